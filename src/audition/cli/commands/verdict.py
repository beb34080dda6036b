"""`audition verdict`: what the runs in the ledger support today."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audition.cli.options import add_question
from audition.errors import AuditionError
from audition.records.store import Ledger

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
    tell(
        options.output_dir,
        options.ideas,
        metric=options.metric,
        sesoi=options.sesoi,
        alpha=options.alpha,
        strict=options.strict,
        whole=options.whole,
        as_json=options.json,
    )


def tell(
    root: Path,
    ideas: Sequence[str],
    *,
    metric: str | None,
    sesoi: float | None,
    alpha: float,
    strict: bool = False,
    whole: bool = False,
    as_json: bool = False,
) -> None:
    """The verdicts on those arms of the ledger at `root`, or on all; AuditionError where it cannot."""
    from audition.answers import judge_arms
    from audition.answers.verdict import verdicts
    from audition.records.registration import registrations
    from audition.report import terminal
    from audition.report.runs import show_problems

    ledger = Ledger.found(root)
    contents = ledger.read()
    show_problems(contents)
    try:
        judgements = judge_arms(
            contents.records,
            ideas,
            plans=registrations(ledger.root),
            metric=metric,
            sesoi=sesoi,
            alpha=alpha,
        )
    except ValueError as error:
        raise AuditionError(str(error)) from None
    for judgement in judgements if strict else ():
        if judgement.notes:
            raise AuditionError(f"--strict refuses {judgement.arm.name}: {judgement.notes[0]}")
    if as_json:
        facts = [verdict.to_dict() for verdict in verdicts(ledger, judgements)]
        print(json.dumps(facts, indent=1))
    else:
        terminal.show_judgements(judgements, ledger, whole=whole)
    if not judgements:
        print(
            f"audition: nothing to judge in {root}: no arm there has an outcome "
            "beside one of its baseline",
            file=sys.stderr,
        )
