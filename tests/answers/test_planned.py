"""The answer of a plan stays, whatever its ledger comes to hold, which is asked beside it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from made_records import made

from audition.answers import judge_arms, judge_plan
from audition.answers.match import ASKED, OWN, PLANNED, SIGMA
from audition.measure import Measure
from audition.records.record import Record
from audition.records.registration import PlannedArm, Registration
from audition.report.verdict_notes import other_answer
from audition.report.verdict_text import what_counts

LEVELS = {42: 1.836, 137: 1.842, 256: 1.830}
GAINS = {42: 0.021, 137: 0.026, 256: 0.017}


def plan_of(*names: str, seeds: Sequence[int] = tuple(LEVELS), **facts: object) -> Registration:
    arms = tuple(
        PlannedArm(name=name, config_hash=name, seeds=tuple(seeds), cards={}) for name in names
    )
    told = {"metric": "val_loss", "sides": "two", "sesoi": 0.005, **facts}
    return Registration(
        baseline_hash="baseline",
        baseline_seeds=tuple(seeds),
        arms=arms,
        **told,  # type: ignore[arg-type]
    )


PLAN = plan_of("gate", number=1)
RUNS = [
    made(arm, seed, loss - gain, plan=PLAN.digest())
    for seed, loss in LEVELS.items()
    for arm, gain in (("baseline", 0.0), ("gate", GAINS[seed]))
]
WIDER = plan_of("gate", seeds=(*LEVELS, 1, 2), number=2)
MORE_SEEDS = [
    made(arm, seed, loss, plan=WIDER.digest())
    for seed, loss in {1: 1.80, 2: 1.87}.items()
    for arm in ("baseline", "gate")
]
OTHERS = plan_of("a", "b", "c", number=3)
OTHER_IDEAS = [
    made(arm, seed, LEVELS[seed] + 0.01 * (-1) ** seed * k, plan=OTHERS.digest())
    for seed in LEVELS
    for k, arm in enumerate(("a", "b", "c"))
]
STRAYS = [made("baseline", 9, 1.9, plan=""), made("gate", 9, 1.2, plan="")]


@pytest.mark.parametrize(
    ("plans", "runs"),
    [
        ([WIDER], MORE_SEEDS),
        ([OTHERS], OTHER_IDEAS),
        ([], STRAYS),
        ([WIDER, OTHERS], [*MORE_SEEDS, *OTHER_IDEAS, *STRAYS]),
    ],
    ids=["more seeds", "other ideas", "stray runs", "all of it"],
)
def test_nothing_that_comes_later_changes_it(plans: list[Registration], runs: list[Record]) -> None:
    (first,) = judge_plan(RUNS, PLAN, [PLAN])
    assert (first.comparison.verdict, first.standing.word) == ("supported", "as planned")
    (again,) = judge_plan([*RUNS, *runs], PLAN, [PLAN, *plans])
    assert again.to_dict() == first.to_dict()


def test_what_the_whole_ledger_says_is_labelled_and_has_the_plans_answer_beside_it() -> None:
    (alone,) = judge_arms(RUNS, plans=[PLAN])
    assert alone.other is None
    assert not alone.of_plan
    whole = judge_arms([*RUNS, *MORE_SEEDS, *OTHER_IDEAS], ["gate"], plans=[PLAN, WIDER, OTHERS])
    (today,) = whole
    assert today.standing.word == "exploratory"
    assert today.comparison.verdict == "inconclusive"
    assert today.other is not None
    assert today.other.of_plan == PLAN.digest()
    assert today.other.comparison.verdict == "supported"
    said = other_answer(today)
    assert said.startswith(f"The plan {PLAN.digest()[:8]}, on its own runs alone")
    assert "as planned): supported" in said
    back = replace(today.other, other=replace(today, other=None))
    assert other_answer(back).startswith("The whole ledger today (5 seeds against 5")


def test_the_family_is_what_was_compared_when_the_plan_was_written() -> None:
    before = replace(OTHERS, number=0)
    (late,) = judge_plan([*RUNS, *OTHER_IDEAS], PLAN, [before, PLAN])
    (early,) = judge_plan([*RUNS, *OTHER_IDEAS], PLAN, [PLAN, OTHERS])
    assert (late.comparison.family_size, early.comparison.family_size) == (4, 1)
    assert late.comparison.p_adjusted > early.comparison.p_adjusted


def test_a_later_plan_says_what_departs_from_the_first() -> None:
    (judged,) = judge_plan([*RUNS, *MORE_SEEDS], WIDER, [PLAN, WIDER])
    assert judged.comparison.n == 5
    assert judged.standing.departures == ("seeds 1, 2 added to the plan",)


def test_a_later_plan_on_other_seeds_says_that_an_earlier_one_judged_the_arm() -> None:
    fresh = plan_of("gate", seeds=(1, 2), number=2, terms="each at its best", judged_on=(1, 2))
    later = [replace(run, plan=fresh.digest()) for run in MORE_SEEDS]
    (judged,) = judge_plan([*RUNS, *later], fresh, [PLAN, fresh])
    first = PLAN.digest()[:8]
    assert judged.standing.departures == (
        f"an earlier plan, {first}, judged it on seeds 42, 137, 256",
    )
    assert (judged.standing.word, judged.standing.terms) == ("exploratory", "each at its best")
    (alone,) = judge_plan([*RUNS, *later], fresh, [fresh])
    assert alone.standing.word == "as planned"


def test_a_plan_that_only_screens_judges_nothing_and_one_without_runs_nothing_yet() -> None:
    assert judge_plan(RUNS, replace(PLAN, screening=True), []) == []
    assert judge_plan([], PLAN, [PLAN]) == []


NAMED = {"val_loss": Measure("validation loss", "nats/token", worth=0.005)}


@pytest.mark.parametrize(
    ("sesoi", "worth", "asked", "counts", "source"),
    [
        (0.005, 0.005, None, 0.005, OWN),
        (0.02, 0.005, None, 0.02, PLANNED),
        (0.005, 0.005, 0.1, 0.1, ASKED),
        (None, None, None, None, SIGMA),
        (None, 0.005, None, None, SIGMA),  # a plan of before there was a default: as it was judged
    ],
)
def test_what_counts_is_the_plans_and_its_source_is_told(
    sesoi: float | None,
    worth: float | None,
    asked: float | None,
    counts: float | None,
    source: str,
) -> None:
    how = {"val_loss": replace(NAMED["val_loss"], worth=worth)}
    runs = [replace(run, measures=how) for run in RUNS]
    plan = replace(PLAN, sesoi=sesoi)
    (judged,) = judge_arms(runs, plans=[plan], sesoi=asked)
    if counts is None:  # one pooled σ of the seeds, which grows with their noise
        noisier = [
            replace(r, metrics={"val_loss": r.metrics["val_loss"] + 0.05 * (r.seed == 137)})
            for r in runs
        ]
        (noisy,) = judge_arms(noisier, plans=[plan])
        assert noisy.comparison.sesoi > 2 * judged.comparison.sesoi
    else:
        assert judged.comparison.sesoi == counts
    assert judged.sesoi_from == source
    ((label, said),) = what_counts(judged)
    assert label == "what counts"
    assert source in said


def test_the_error_of_a_plan_is_the_one_it_was_made_with() -> None:
    strict = replace(PLAN, alpha=0.001)
    for found in (judge_plan(RUNS, strict, [strict]), judge_arms(RUNS, plans=[strict])):
        (judged,) = found
        assert judged.comparison.alpha == 0.001
        assert judged.comparison.verdict == "inconclusive"
        assert judged.standing.word == "exploratory"  # its runs were begun for the other plan
    (otherwise,) = judge_arms(RUNS, plans=[PLAN], alpha=0.001)
    assert otherwise.standing.departures == ("α is 0.001, and the plan's 0.05",)
