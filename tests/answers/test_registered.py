"""A registered report: what is confirmatory, what is not and why, and what a test says of its claim."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import pytest

from audition.answers import Judgement, judge_arms
from audition.answers.next_step import next_step
from audition.answers.verdict import REGISTERED, as_data, verdicts
from audition.records.record import Record
from audition.records.registration import PlannedArm, Registration
from audition.records.store import Ledger
from audition.stats.comparison import Comparison, Expectation
from audition.stats.verdict import weighed

NOWHERE = Path("nowhere")
SEEDS = (0, 1, 2, 3)
LOSSES = (1.50, 1.52, 1.48, 1.51)
WOBBLE = (0.001, -0.001, 0.002, 0.0)


def plan(*primary: str, arms: Sequence[str] = ("better", "worse"), **terms: Any) -> Registration:
    planned = [PlannedArm(name=a, config_hash=a, seeds=SEEDS, cards={}) for a in arms]
    given = {"sesoi": 0.05, "metric": "val_loss", "sides": "two", "number": 1, **terms}
    made = Registration(
        baseline_hash="baseline",
        baseline_seeds=SEEDS,
        arms=tuple(planned),
        primary=primary,
        **given,
    )
    return made.sealed()


def runs(arm: str, gain: float, of: Registration, seeds: Sequence[int] = SEEDS) -> list[Record]:
    return [
        Record(
            key=f"{arm}/{seed}",
            config_hash=arm,
            baseline_hash="baseline",
            arm=arm,
            ideas=(),
            seed=seed,
            status="finished",
            metrics={"val_loss": loss, "val_bpb": 2 * loss + seed * 0.01},
            plan=of.digest(),
        )
        for seed in seeds
        for loss in [LOSSES[seed % 4] - gain + (WOBBLE[seed % 4] if gain else 0.0)]
    ]


def judged(*plans: Registration, more: Sequence[Record] = (), **asked: Any) -> dict[str, Judgement]:
    of = plans[0]
    records = [
        *runs("baseline", 0.0, of),
        *runs("better", 0.2, of),
        *runs("worse", -0.2, of),
        *more,
    ]
    found = judge_arms(records, plans=plans, **asked)
    return {judgement.comparison.idea: judgement for judgement in found}


def parts(found: dict[str, Judgement]) -> dict[str, str | None]:
    return {name: judgement.standing.part for name, judgement in found.items()}


def test_what_is_registered_is_confirmatory_and_nothing_else_is() -> None:
    found = judged(plan("better"))
    assert parts(found) == {"better": "confirmatory", "worse": "exploratory"}
    assert found["better"].weight == "for"
    assert found["worse"].weight is None
    assert found["worse"].standing.why_exploratory == ("not registered as a test of this report",)


def test_without_a_report_there_are_no_parts() -> None:
    found = judged(plan())
    assert parts(found) == {"better": None, "worse": None}
    assert "part" not in as_data(verdicts(Ledger(NOWHERE), found.values()))[0]


def test_a_claim_of_harm_is_borne_out_by_harm() -> None:
    found = judged(plan("better", "worse", expects="worse"))
    assert {name: j.weight for name, j in found.items()} == {"better": "against", "worse": "for"}


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"metric": "val_bpb"}, "the metric is val_bpb, and the plan's val_loss"),
        ({"alpha": 0.1}, "α is 0.1, and the plan's 0.05"),
        ({"sesoi": 0.01}, "δ* is 0.01, and the plan's 0.05"),
        ({"sides": "one"}, "α is one-sided, and the plan's two-sided"),
    ],
)
def test_a_departure_makes_the_test_exploratory_and_says_why(
    asked: dict[str, Any], why: str
) -> None:
    found = judged(plan("better"), **asked)
    assert parts(found) == {"better": "exploratory", "worse": "exploratory"}
    assert why in found["better"].standing.why_exploratory
    assert found["better"].weight is None


def test_seeds_that_are_added_after_a_look_make_it_exploratory() -> None:
    first = plan("better")
    wider = replace(
        plan("better", number=2),
        arms=(PlannedArm(name="better", config_hash="better", seeds=(0, 1, 2, 3, 4), cards={}),),
        baseline_seeds=(0, 1, 2, 3, 4),
    ).sealed()
    more = [*runs("better", 0.2, wider, [4]), *runs("baseline", 0.0, wider, [4])]
    found = judged(first, wider, more=more)
    assert found["better"].standing.part == "exploratory"
    assert "seed 4 added to the plan" in found["better"].standing.why_exploratory


def test_a_report_that_is_registered_after_the_runs_confirms_nothing() -> None:
    found = judged(plan(), plan("better", number=2))
    assert parts(found) == {"better": "exploratory", "worse": "exploratory"}
    assert found["better"].standing.departures == ()  # it is as planned, but as no test


def test_the_registration_is_part_of_the_plans_name_and_old_names_stay() -> None:
    assert len({plan().digest(), plan("better").digest(), plan("worse").digest()}) == 3
    assert plan("better").digest() != plan("better", expects="worse").digest()
    assert plan().digest() == plan(expects="worse").digest()  # of no arm nothing is expected
    edited = replace(plan("better"), primary=("worse",))
    assert "was edited" in edited.misfit(plan("better").digest())


def test_the_data_has_two_parts_that_share_no_number() -> None:
    found = judged(plan("better"))
    data = as_data(verdicts(Ledger(NOWHERE), found.values()))
    assert [(each["idea"], each["part"]) for each in data] == [
        ("better", "confirmatory"),
        ("better", "exploratory"),
        ("worse", "exploratory"),
    ]
    test, beside, other = data
    assert (test["expects"], test["weight"], test["verdict"]) == ("better", "for", "supported")
    assert beside.keys() & REGISTERED == {"idea", "config_hash"}
    assert "by_other_measures" in beside
    assert "by_other_measures" not in test
    assert other["why_exploratory"] == ["not registered as a test of this report"]
    whole = next(iter(found.values())).to_dict().keys()
    assert (REGISTERED & test.keys()) | beside.keys() >= whole


def typed(judgement: Judgement) -> Judgement:
    """The same with its runs typed as a sweep would."""
    arm = judgement.arm
    records = tuple(replace(r, overrides=(f"optimizer={arm.name}",)) for r in arm.records)
    return replace(judgement, arm=replace(arm, records=records))


@pytest.mark.parametrize(
    ("expects", "arm", "text", "command"),
    [
        ("worse", "worse", "confirm it on 5 fresh seeds", "hydra.sweeper.confirm=true"),
        ("worse", "better", "the claim does not hold here; the report", "audition report"),
        ("equal", "worse", "the claim does not hold here; the report", "audition report"),
        ("better", "better", "confirm it on 5 fresh seeds", "hydra.sweeper.confirm=true"),
        ("better", "worse", "drop it or change it", "audition report"),
    ],
)
def test_the_next_step_follows_the_claim(
    expects: Expectation, arm: str, text: str, command: str
) -> None:
    found = typed(judged(plan("better", "worse", expects=expects))[arm])
    step = next_step(found, NOWHERE)
    assert step.text.startswith(text)
    assert command in step.command
    held = replace(found, comparison=replace(found.comparison, tier="confirmed"))
    if "confirm" in text:
        assert next_step(held, NOWHERE).text.startswith("it held on fresh seeds")


def test_a_claim_of_harm_that_is_open_goes_to_fresh_seeds_at_half_the_error() -> None:
    found = typed(judged(plan("worse", expects="worse", sesoi=0.3))["worse"])
    assert (found.comparison.kind, found.weight) == ("harmful", "against")
    found = typed(judged(plan("worse", expects="worse", sesoi=0.201))["worse"])
    assert found.weight == "open"
    step = next_step(found, NOWHERE)
    assert step.text.startswith("settle it on")
    assert "analysis.alpha=0.025" in step.command


def test_a_registered_test_is_registered_again() -> None:
    found = judged(plan("worse", expects="worse"))
    words = shlex.split(next_step(typed(found["worse"]), NOWHERE).command)
    assert 'analysis.primary=["optimizer=worse"]' in words
    assert "analysis.expects=worse" in words
    other = shlex.split(next_step(typed(found["better"]), NOWHERE).command)
    assert {"analysis.primary=null", "analysis.expects=better"} <= set(other)


CASES: dict[str, tuple[tuple[float, float], tuple[str, str, str]]] = {
    "a clear gain": ((0.2, 0.4), ("for", "against", "against")),
    "a clear loss": ((-0.4, -0.2), ("against", "for", "against")),
    "no difference": ((-0.05, 0.05), ("against", "against", "for")),
    "a small gain": ((0.02, 0.08), ("against", "against", "for")),
    "anything": ((-0.4, 0.4), ("open", "open", "open")),
    "a gain, how large is open": ((0.01, 0.15), ("open", "against", "open")),
    "a loss, how large is open": ((-0.15, -0.01), ("against", "open", "open")),
    "nothing known": ((nan, nan), ("open", "open", "open")),
}


@pytest.mark.parametrize("case", CASES)
def test_what_an_interval_says_of_a_claim(case: str) -> None:
    ci, said = CASES[case]
    middle = (ci[0] + ci[1]) / 2
    found = Comparison("x", (1, 2), 2, 2, improvement=middle, ci=ci, sesoi=0.1)
    expected: tuple[Expectation, ...] = ("better", "worse", "equal")
    assert tuple(weighed(found, each) for each in expected) == said


def test_what_diverges_is_worse_and_what_is_invalid_says_nothing() -> None:
    lost = Comparison("x", (1, 2), 2, 2, verdict="refuted", kind="unstable", sesoi=0.1)
    expected: tuple[Expectation, ...] = ("better", "worse", "equal")
    assert [weighed(lost, each) for each in expected] == ["against", "for", "against"]
    void = replace(lost, verdict="invalid", kind=None, ci=(0.2, 0.3), improvement=0.25)
    assert {weighed(void, each) for each in expected} == {"open"}
