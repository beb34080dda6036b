"""`audition power`: how many seeds for a gain of X."""

import argparse
import json
from typing import TYPE_CHECKING

from audition.cli.options import add_question
from audition.errors import AuditionError
from audition.records.store import Ledger

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(subcommands: "Subcommands", common: argparse.ArgumentParser) -> None:
    """Add the command and its options."""
    command = subcommands.add_parser(
        "power", parents=[common], help="how many seeds for a gain of X, and what they cost"
    )
    command.add_argument(
        "--gain", type=float, required=True, help="true gain, in the metric's unit"
    )
    command.add_argument("--power", type=float, default=0.8, help="chance to see it (0.8)")
    add_question(command, sesoi=False)
    command.add_argument("--baseline", metavar="HASH", help="beginning of its hash; the newest one")
    command.set_defaults(command=show)


def show(options: argparse.Namespace) -> None:
    """`audition power`"""
    from audition.answers.baselines import baseline_in
    from audition.answers.power import power_for
    from audition.records.registration import registrations
    from audition.report.questions import show_power
    from audition.report.runs import show_problems

    if not options.gain > 0:
        raise AuditionError(f"--gain {options.gain:g} is no gain: it must be above 0")
    ledger = Ledger.found(options.output_dir)
    contents = ledger.read()
    show_problems(contents)
    plans = registrations(ledger.root)
    arms, baseline = baseline_in(contents.records, options.baseline, options.metric, plans)
    asked = {"gain": options.gain, "power": options.power, "alpha": options.alpha}
    try:
        found = power_for(arms, baseline, plans=plans, **asked)
    except ValueError as error:
        raise AuditionError(str(error)) from None
    if options.json:
        print(json.dumps(found.to_dict(), indent=1))
    else:
        show_power(found)
