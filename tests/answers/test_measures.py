"""Judged by a metric that is better when higher, by any metric of the records, by two that disagree."""

import re
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import pytest

from audition.answers import Judgement, arms_of, judge_arms, judge_baseline
from audition.answers.verdict import verdicts
from audition.errors import AuditionError
from audition.measure import Measure
from audition.records.record import Record
from audition.records.registration import PlannedArm, Registration
from audition.records.store import Ledger
from audition.report.verdict_text import lines

MEASURES = {
    "val_accuracy": Measure("validation accuracy", "%", "higher", worth=0.5),
    "val_loss": Measure("validation loss", "nats/example"),
}
BASELINE = {1: 95.0, 2: 95.4, 3: 94.8}


def runs(arm: str, accuracy: dict[int, float], **facts: Any) -> list[Record]:
    """Finished runs of digits; the loss falls by .01 for every point of accuracy."""
    return [
        Record(
            **{
                "key": f"{arm}/{seed}",
                "config_hash": arm,
                "baseline_hash": "baseline",
                "arm": arm,
                "ideas": (),
                "seed": seed,
                "status": "finished",
                "metrics": {
                    "val_accuracy": value,
                    "val_accuracy_best": value + 0.1,
                    "val_loss": 1.0 - value / 100,
                },
                "measures": MEASURES,
                "primary": "val_accuracy",
                "unit": "examples",
                "weights": f"{arm}{seed}",
                "started": "2026-01-01T00:00:00+00:00",
                **facts,
            }
        )
        for seed, value in accuracy.items()
    ]


def shifted(gain: float) -> dict[int, float]:
    wobble = {1: 0.02, 2: -0.03, 3: 0.01}
    return {seed: value + gain + wobble[seed] for seed, value in BASELINE.items()}


def judged(*records: Record, **asked: Any) -> Judgement:
    (judgement,) = judge_arms([*runs("baseline", BASELINE), *records], **asked)
    return judgement


@pytest.mark.parametrize(
    ("gain", "verdict"), [(2.0, ("supported", None)), (-2.0, ("refuted", "harmful"))]
)
def test_more_of_what_is_better_when_higher_is_an_improvement(
    gain: float, verdict: tuple[str, str | None]
) -> None:
    judgement = judged(*runs("idea", shifted(gain)))
    c = judgement.comparison
    assert (c.verdict, c.kind) == verdict
    assert c.improvement == pytest.approx(gain, abs=0.01)
    assert c.wins == (3 if gain > 0 else 0)
    assert judgement.levels == pytest.approx((95.0667, 95.0667 + gain), abs=0.01)
    plain = judgement.to_dict()
    assert (plain["metric"], plain["measure"]["better"]) == ("val_accuracy", "higher")
    assert plain["baseline_mean"] == pytest.approx(95.0667, abs=1e-3)


def test_the_smallest_worthwhile_gain_is_the_measures() -> None:
    # Half a point is worth having: .3 is not, however sure it is.
    assert judged(*runs("idea", shifted(0.3))).comparison.kind == "negligible"
    assert judged(*runs("idea", shifted(0.3)), sesoi=0.1).comparison.verdict == "supported"
    assert judged(*runs("idea", shifted(0.3))).comparison.sesoi == 0.5


@pytest.mark.parametrize(
    ("metric", "level"), [("val_loss", 0.0293), ("val_accuracy_best", 97.1667)]
)
def test_any_metric_of_the_records_judges(metric: str, level: float) -> None:
    judgement = judged(*runs("idea", shifted(2.0)), metric=metric)
    assert judgement.comparison.improvement > 0
    assert judgement.levels[1] == pytest.approx(level, abs=1e-3)


def test_a_metric_that_no_run_has_is_one_sentence_with_the_choices() -> None:
    with pytest.raises(AuditionError, match="'val_acuracy'; did you mean 'val_accuracy'"):
        judged(*runs("idea", shifted(2.0)), metric="val_acuracy")


def test_two_tasks_in_one_ledger_are_each_judged_by_their_own_metric() -> None:
    told = {"baseline_hash": "text", "primary": "val_loss", "unit": "tokens", "weights": ""}
    text = [
        replace(record, config_hash=config, metrics={"val_loss": loss}, key=f"{config}{seed}")
        for config, base in (("text", 2.0), ("gate", 1.8))
        for seed, loss in ((1, base), (2, base + 0.02), (3, base + 0.01 * (base < 2)))
        for record in runs("gate" if config == "gate" else "baseline", {seed: 0.0}, **told)
    ]
    records = [*runs("baseline", BASELINE), *runs("idea", shifted(2.0)), *text]
    found = {j.arm.name: j for j in judge_arms(records)}
    assert {name: j.arm.metric for name, j in found.items()} == {
        "idea": "val_accuracy",
        "gate": "val_loss",
    }
    assert found["gate"].comparison.improvement > 0.15
    by_accuracy = {j.arm.name for j in judge_arms(records, metric="val_accuracy")}
    assert by_accuracy == {"idea"}  # what has no accuracy is not judged by it
    with pytest.raises(AuditionError, match="the runs of 'gate' have no metric 'val_accuracy'"):
        judge_arms(records, ["gate"], metric="val_accuracy")


def test_the_plans_metric_judges_and_another_is_a_departure() -> None:
    arm = PlannedArm(name="idea", config_hash="idea", seeds=(1, 2, 3), cards={})
    plan = Registration(
        baseline_hash="baseline",
        baseline_seeds=(1, 2, 3),
        arms=(arm,),
        metric="val_loss",
        written="2025-01-01T00:00:00",
    )
    records = runs("idea", shifted(2.0))
    assert judged(*records, plans=[plan]).arm.metric == "val_loss"
    assert judged(*records, plans=[plan]).standing.word == "as planned"
    other = judged(*records, plans=[plan], metric="val_accuracy").standing
    assert other.departures == ("the metric is val_accuracy, and the plan's val_loss",)


def test_the_plans_smallest_gain_judges() -> None:
    arm = PlannedArm(name="idea", config_hash="idea", seeds=(1, 2, 3), cards={})
    facts = {"baseline_hash": "baseline", "baseline_seeds": (1, 2, 3), "arms": (arm,)}
    plan = Registration(**facts, metric="val_accuracy", sesoi=0.1, written="2025-01-01T00:00:00")
    found = judged(*runs("idea", shifted(0.3)), plans=[plan])
    assert (found.comparison.sesoi, found.comparison.verdict) == (0.1, "supported")
    assert found.standing.word == "as planned"


def test_two_measures_that_disagree_are_both_told() -> None:
    smoothed = [
        replace(r, metrics={**r.metrics, "val_loss": r.metrics["val_loss"] + 0.3 + 0.001 * r.seed})
        for r in runs("smoothing", shifted(2.0))
    ]
    judgement = judged(*smoothed)
    assert judgement.comparison.verdict == "supported"
    (other,) = judgement.by_other_measures
    assert (other.metric, other.measure.unit) == ("val_loss", "nats/example")
    assert other.improvement == pytest.approx(-0.282, abs=1e-3)
    assert other.contradicts(judgement.comparison.improvement)
    (verdict,) = verdicts(Ledger(Path("nowhere")), [judgement])
    said = dict(lines(verdict))["validation loss"]
    assert re.match(r"[\d.]+ → [\d.]+ nats/example; gain −0\.282\d \(", said)
    agreeing = judged(*runs("idea", shifted(2.0)))
    assert not agreeing.by_other_measures[0].contradicts(agreeing.comparison.improvement)


def test_a_measure_that_is_a_multiple_of_the_other_is_not_told_twice() -> None:
    def both(arm: str, accuracy: dict[int, float]) -> list[Record]:
        nats = {seed: 1.0 - value / 200 for seed, value in accuracy.items()}
        return [
            replace(r, metrics={"val_accuracy": nats[r.seed], "val_loss": nats[r.seed] / 0.6931})
            for r in runs(arm, accuracy)
        ]

    (told,) = judge_arms([*both("baseline", BASELINE), *both("idea", shifted(2.0))])
    assert told.by_other_measures == ()


def test_not_a_number_in_the_metric_is_a_failed_outcome_for_that_metric_alone() -> None:
    records = runs("idea", shifted(2.0))
    records[0] = replace(records[0], metrics={**records[0].metrics, "val_accuracy": nan})
    judgement = judged(*records)
    c = judgement.comparison
    assert (c.verdict, c.kind, c.diverged) == ("refuted", "unstable", 1)
    assert judgement.arm.unmeasured == {1: "is not a number"}
    assert judged(*records, metric="val_loss").comparison.diverged == 0


def test_a_run_that_never_measured_the_metric_is_left_out() -> None:
    records = [*runs("idea", shifted(2.0)), *runs("idea", {4: 97.0})]
    records[-1] = replace(records[-1], metrics={"val_loss": 0.03})
    judgement = judged(*records)
    assert judgement.comparison.n == 3
    assert judgement.arm.unmeasured == {4: "was not measured"}


def test_ties_of_a_coarse_metric_are_no_seeds_that_were_not_applied() -> None:
    tied = {1: 95.0, 2: 95.0, 3: 95.0}
    idea = runs("idea", {1: 95.5, 2: 96.0, 3: 95.5})
    for weights, verdict in (("", "invalid"), (None, "inconclusive")):
        facts = {} if weights is None else {"weights": weights}
        base = runs("baseline", tied, **facts)
        (judgement,) = judge_baseline(arms_of([*base, *idea]), "baseline")
        assert (judgement.comparison.verdict == "invalid") == (verdict == "invalid")
    same = runs("idea", BASELINE)
    (judgement,) = judge_arms([*runs("baseline", BASELINE), *same])
    assert judgement.comparison.verdict != "invalid"  # other weights, the same accuracy
    copied = [replace(r, weights=f"baseline{r.seed}") for r in same]
    (judgement,) = judge_arms([*runs("baseline", BASELINE), *copied])
    assert "changed nothing" in judgement.comparison.reason
