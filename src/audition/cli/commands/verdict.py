"""`audition verdict`: what the runs in the ledger support today."""

from argparse import Namespace
from collections.abc import Sequence

from audition.cli.command import (
    ALPHA,
    ARMS,
    JSON,
    LEDGER,
    METRIC,
    SESOI,
    SIDES,
    command,
    emit,
    option,
)
from audition.cli.opening import open_ledger
from audition.errors import AuditionError


@command(
    "what the runs support",
    *(ARMS, METRIC, SESOI, ALPHA, SIDES),
    option(
        "--strict",
        action="store_true",
        help="refuse arms that were made with other arithmetic (torch, instructions, card)",
    ),
    option(
        "--whole", action="store_true", help="every verdict whole; more than 12 are a line each"
    ),
    *(LEDGER, JSON),
)
def verdict(options: Namespace) -> None:
    """`audition verdict`"""
    tell(options, options.arms, strict=options.strict, whole=options.whole)


def tell(
    options: Namespace, arms: Sequence[str], *, strict: bool = False, whole: bool = False
) -> None:
    """The verdicts on those arms of a ledger, or on all, as the options of the question ask for them.

    Raises AuditionError for arms or a metric that the ledger does not have.
    """
    from audition.answers import judge_arms
    from audition.answers.verdict import as_data, verdicts
    from audition.console import say
    from audition.records.registration import registrations
    from audition.report import terminal

    ledger, contents = open_ledger(options)
    judgements = judge_arms(
        contents.records,
        arms,
        plans=registrations(ledger.root),
        metric=options.metric,
        sesoi=options.sesoi,
        alpha=options.alpha,
        sides=options.sides,
    )
    for judgement in judgements if strict else ():
        if judgement.notes:
            raise AuditionError(f"--strict refuses {judgement.arm.name}: {judgement.notes[0]}")
    facts = as_data(verdicts(ledger, judgements)) if options.json else []
    emit(options, facts, lambda: terminal.show_judgements(judgements, ledger, whole=whole))
    if not judgements:
        say(
            f"nothing to judge in {options.output_dir}: no arm there has an outcome beside one of its "
            "baseline"
        )
