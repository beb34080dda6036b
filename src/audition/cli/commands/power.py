"""`audition power`: how many seeds for a gain of X."""

from argparse import Namespace

from audition.cli.command import ALPHA, BASELINE, JSON, LEDGER, METRIC, command, emit, option
from audition.cli.opening import open_baseline
from audition.errors import AuditionError


@command(
    "how many seeds for a gain of X, and what they cost",
    option(
        "--gain", type=float, required=True, metavar="X", help="true gain, in the metric's unit"
    ),
    option("--power", type=float, default=0.8, metavar="P", help="chance to see it (0.8)"),
    *(METRIC, ALPHA, BASELINE, LEDGER, JSON),
)
def power(options: Namespace) -> None:
    """`audition power`"""
    from audition.answers.power import power_for
    from audition.records.registration import registrations
    from audition.report.questions import show_power

    if not options.gain > 0:
        raise AuditionError(f"--gain {options.gain:g} is no gain: it must be above 0")
    ledger, arms, baseline = open_baseline(options)
    asked = {"gain": options.gain, "power": options.power, "alpha": options.alpha}
    found = power_for(arms, baseline, plans=registrations(ledger.root), **asked)
    emit(options, found.to_dict(), lambda: show_power(found))
