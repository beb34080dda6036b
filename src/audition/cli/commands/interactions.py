"""`audition interactions`: whether two ideas add up."""

import argparse
import json
from typing import TYPE_CHECKING

from audition.records.store import Ledger

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(subcommands: "Subcommands", common: argparse.ArgumentParser) -> None:
    """Add the command and its options."""
    command = subcommands.add_parser(
        "interactions", parents=[common], help="whether two ideas add up"
    )
    command.add_argument("first", metavar="A", help="an arm")
    command.add_argument("second", metavar="B", help="another; the ledger must have A+B too")
    command.add_argument(
        "--metric", metavar="NAME", help="any metric of the records (the task's own)"
    )
    command.add_argument("--baseline", metavar="HASH", help="beginning of its hash; the newest one")
    command.set_defaults(command=show)


def show(options: argparse.Namespace) -> None:
    """`audition interactions`"""
    from audition.answers import arms_of
    from audition.answers.interactions import cross
    from audition.records.registration import registrations
    from audition.report.questions import show_crossing
    from audition.report.runs import show_problems

    contents = Ledger.found(options.output_dir).read()
    show_problems(contents)
    arms = arms_of(contents.records, options.metric, plans=registrations(options.output_dir))
    crossing = cross(arms, options.first, options.second, options.baseline)
    if options.json:
        print(json.dumps(crossing.to_dict(), indent=1))
    else:
        show_crossing(crossing)
