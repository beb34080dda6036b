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
from audition.errors import AuditionError, choices


@command(
    "what the runs support",
    *(ARMS, METRIC, SESOI, ALPHA, SIDES),
    option(
        "--plan",
        metavar="PLAN",
        help="what a plan says on exactly its runs, whatever came later: beginning of its digest, or "
        "an arm that it names first, or latest",
    ),
    option(
        "--strict",
        action="store_true",
        help="refuse arms that were made with other arithmetic (torch, instructions, card)",
    ),
    option(
        "--whole",
        action="store_true",
        help="every verdict whole; more than two are a line each, unless they are named",
    ),
    *(LEDGER, JSON),
)
def verdict(options: Namespace) -> None:
    """`audition verdict`

    Raises AuditionError for a plan that is asked to judge otherwise than it says.
    """
    others = [f"--{name}" for name in ("metric", "sesoi", "alpha", "sides") if vars(options)[name]]
    if options.plan is not None and others:
        raise AuditionError(f"--plan judges as the plan says: leave out {' and '.join(others)}")
    tell(options, options.arms, strict=options.strict, whole=options.whole, named=options.plan)


def tell(
    options: Namespace,
    arms: Sequence[str],
    *,
    strict: bool = False,
    whole: bool = False,
    named: str | None = None,
) -> None:
    """The verdicts on those arms of a ledger, or on all, as the options of the question ask for them.

    named: a plan, which is judged on its own runs alone. Raises AuditionError for arms, a metric or
    a plan that the ledger does not have.
    """
    from audition.answers import judge_arms, judge_plan
    from audition.answers.verdict import as_data, verdicts
    from audition.console import say
    from audition.records.registration import plan_named, registrations
    from audition.report import terminal

    ledger, contents = open_ledger(options)
    plans = registrations(ledger.root)
    if named is not None:
        judgements = judge_plan(contents.records, plan_named(plans, named), plans)
        known = [judgement.comparison.idea for judgement in judgements]
        for arm in arms:
            if arm not in known:
                raise AuditionError(f"the plan has no verdict on '{arm}'{choices(arm, known)}")
        judgements = [j for j in judgements if not arms or j.comparison.idea in arms]
    else:
        judgements = judge_arms(
            contents.records,
            arms,
            plans=plans,
            metric=options.metric,
            sesoi=options.sesoi,
            alpha=options.alpha,
            sides=options.sides,
        )
    for judgement in judgements if strict else ():
        if judgement.notes:
            raise AuditionError(f"--strict refuses {judgement.arm.name}: {judgement.notes[0]}")
    facts = as_data(verdicts(ledger, judgements)) if options.json else []
    shown_whole = whole or bool(options.arms if "arms" in options else ())
    emit(options, facts, lambda: terminal.show_judgements(judgements, ledger, whole=shown_whole))
    if not judgements:
        say(
            f"nothing to judge in {options.output_dir}: no arm there has an outcome beside one of its "
            "baseline"
        )
