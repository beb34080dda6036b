"""`audition interactions`: whether two ideas add up."""

from argparse import Namespace

from audition.cli.command import BASELINE, JSON, LEDGER, METRIC, command, emit, option
from audition.cli.opening import open_ledger


@command(
    "whether two ideas add up",
    option("first", metavar="A", help="an arm"),
    option("second", metavar="B", help="another; the ledger must have A+B too"),
    *(METRIC, BASELINE, LEDGER, JSON),
)
def interactions(options: Namespace) -> None:
    """`audition interactions`"""
    from audition.answers import arms_of
    from audition.answers.interactions import cross
    from audition.records.registration import registrations
    from audition.report.questions import show_crossing

    _, contents = open_ledger(options)
    arms = arms_of(contents.records, options.metric, plans=registrations(options.output_dir))
    crossing = cross(arms, options.first, options.second, options.baseline)
    emit(options, crossing.to_dict(), lambda: show_crossing(crossing))
