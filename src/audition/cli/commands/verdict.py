"""`audition verdict`: what the runs in the ledger support today."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from audition.cli.options import add_question
from audition.errors import AuditionError
from audition.ledger.store import Ledger

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(subcommands: "Subcommands", common: argparse.ArgumentParser) -> None:
    """Add the command and its options."""
    command = subcommands.add_parser("verdict", parents=[common], help="what the runs support")
    command.add_argument("ideas", nargs="*", metavar="IDEA", help="arms; all of them by default")
    add_question(command)
    command.add_argument(
        "--strict",
        action="store_true",
        help="refuse arms that were made with other arithmetic (torch, instructions, card)",
    )
    command.add_argument(
        "--whole", action="store_true", help="every verdict whole; more than 12 are a line each"
    )
    command.set_defaults(command=show)


def show(options: argparse.Namespace) -> None:
    """`audition verdict`"""
    from audition.judge import judge_arms
    from audition.ledger.registration import registrations
    from audition.report import terminal
    from audition.report.energy import joules_of
    from audition.report.price import stopwatches
    from audition.report.runs import show_problems

    ledger = Ledger.found(options.output_dir)
    contents = ledger.read()
    show_problems(contents)
    try:
        judgements = judge_arms(
            contents.records,
            options.ideas,
            plans=registrations(ledger.root),
            metric=options.metric,
            sesoi=options.sesoi,
            alpha=options.alpha,
        )
    except ValueError as error:
        raise AuditionError(str(error)) from None
    for judgement in judgements if options.strict else ():
        if judgement.notes:
            raise AuditionError(f"--strict refuses {judgement.arm.name}: {judgement.notes[0]}")
    if options.json:
        watches = stopwatches(ledger, judgements)
        facts = [
            j.to_dict()
            | {"energy": joules_of(j).to_dict()}
            | {"equal_time": watches[j.baseline.config_hash].against(j.arm).to_dict()}
            for j in judgements
        ]
        print(json.dumps(facts, indent=1))
    else:
        terminal.show_judgements(judgements, ledger, whole=options.whole)
    if not judgements:
        print(
            f"audition: nothing to judge in {options.output_dir}: no arm there has an outcome "
            "beside one of its baseline",
            file=sys.stderr,
        )
