"""Which runs stand against which, and what a judgement says as data."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from audition.errors import AuditionError
from audition.judge import arms_of, judge_arms, judge_baseline
from audition.ledger.record import Record, Status

LOSSES = (1.50, 1.52, 1.48, 1.51)


def run(
    arm: str, config: str, seed: int, loss: float, *, base: str = "base", **facts: Any
) -> Record:
    status: Status = facts.pop("status", "finished")
    metrics = {"val_loss": loss, "val_loss_best": loss, "val_bpb": loss} if loss == loss else {}
    return Record(
        key=f"{config}/{seed}",
        config_hash=config,
        baseline_hash=base,
        arm=arm,
        ideas=() if config == base else (arm,),
        seed=seed,
        status=status,
        metrics=metrics,
        **{
            "units": 1000,
            "seconds": 2.0,
            "forward_passes": 10.0,
            "backward_passes": 10.0,
            "budget": {"tokens": 1000, "steps": None},
            "evaluation": "e",
            "started": "2026-01-01T00:00:00+00:00",
            **facts,
        },
    )


def arm(name: str, gain: float, *, config: str = "", **facts: Any) -> list[Record]:
    """Four runs, each better than the baseline's of its seed by about `gain`."""
    wobble = (0.001, -0.001, 0.002, 0.0)
    return [
        run(name, config or name, seed, loss - gain + each, **facts)
        for seed, (loss, each) in enumerate(zip(LOSSES, wobble, strict=True))
    ]


BASELINE = [run("baseline", "base", seed, loss) for seed, loss in enumerate(LOSSES)]


def verdicts(records: Sequence[Record], *names: str) -> dict[str, tuple[str, str | None]]:
    judged = judge_arms(records, names)
    return {j.comparison.idea: (j.comparison.verdict, j.comparison.kind) for j in judged}


def test_a_clear_gain_and_a_clear_harm() -> None:
    records = [*BASELINE, *arm("better", 0.2), *arm("worse", -0.2)]
    assert verdicts(records) == {"better": ("supported", None), "worse": ("refuted", "harmful")}


def test_the_data_has_the_names_that_others_rely_on() -> None:
    (judgement,) = judge_arms([*BASELINE, *arm("better", 0.2)])
    plain = json.loads(json.dumps(judgement.to_dict(), allow_nan=False))
    names = "idea seeds n improvement ci cohens_d seed_rule p_welch p_paired rho verdict reason"
    assert set(names.split()) <= plain.keys()
    assert plain["idea"] == "better"
    assert plain["seeds"] == [0, 1, 2, 3]
    assert plain["n"] == 4
    assert plain["improvement"] == pytest.approx(0.2, abs=0.01)
    assert plain["seed_rule"]["passed"] is True
    assert 0 < plain["seed_rule"]["false_pass_rate"] < 1
    low, high = plain["ci"]
    assert low < plain["improvement"] < high
    assert plain["cost"]["idea"] == {
        "seconds": 2.0,
        "units": 1000.0,
        "forward_passes": 10.0,
        "backward_passes": 10.0,
    }


def test_an_arm_is_held_against_its_own_baseline_and_no_other() -> None:
    # Another baseline whose losses would turn the verdict round.
    other = [run("baseline", "other", s, x - 1.0, base="other") for s, x in enumerate(LOSSES)]
    records = [*other, *BASELINE, *arm("better", 0.2)]
    (judgement,) = judge_arms(records)
    assert judgement.baseline.config_hash == "base"
    assert judgement.comparison.verdict == "supported"
    assert judge_baseline(arms_of(records), "other") == []


TORCH = {"torch": "2.12.0", "instructions": "AVX2"}


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        (TORCH, ""),
        ({**TORCH, "torch": "2.13.0"}, "torch is 2.13.0 against 2.12.0"),
        ({**TORCH, "card": "H200"}, ""),  # against a CPU, which is refused as another device
        (
            {"torch": "2.13.0", "instructions": "AVX512"},
            "torch is 2.13.0 against 2.12.0; instructions is AVX512 against AVX2",
        ),
        ({}, ""),  # a run of before it was recorded
    ],
)
def test_other_arithmetic_is_said_and_judged(ours: dict[str, str], said: str) -> None:
    base = [replace(record, arithmetic=TORCH) for record in BASELINE]
    (judgement,) = judge_arms([*base, *arm("better", 0.2, arithmetic=ours)])
    assert judgement.comparison.verdict == "supported"
    assert judgement.to_dict()["notes"] == (
        [f"Made with other arithmetic: {said}."] if said else []
    )


def test_an_arm_of_two_arithmetics_is_named_once() -> None:
    base = [replace(record, arithmetic=TORCH) for record in BASELINE]
    first, *rest = arm("better", 0.2, arithmetic=TORCH)
    mixed = [replace(first, arithmetic={**TORCH, "torch": "2.13.0"}), *rest]
    (judgement,) = judge_arms([*base, *mixed])
    assert judgement.notes == (
        "Made with other arithmetic: torch is 2.12.0 and 2.13.0 against 2.12.0.",
    )
    (judgement,) = judge_arms([*BASELINE, *mixed])
    assert judgement.notes == ("Made with other arithmetic: torch is 2.12.0 and 2.13.0.",)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"device": "cuda"}, "device is cuda against cpu"),
        ({"threads": 2}, "threads is 2 against 1"),
        ({"evaluation": "f"}, "evaluation is f against e"),
        ({"budget": {"tokens": 2000, "steps": None}}, "budget.tokens is 2000 against 1000"),
    ],
)
def test_what_differs_in_measure_is_refused_by_name(facts: dict[str, Any], said: str) -> None:
    records = [*BASELINE, *arm("better", 0.2), *arm("unlike", 5.0, **facts)]
    judged = {j.comparison.idea: j.comparison for j in judge_arms(records)}
    assert judged["unlike"].verdict == "invalid"
    assert judged["unlike"].reason == f"Not like for like: {said}."
    # The refused arm lends nothing to the other but its place in the family.
    alone = judge_arms([*BASELINE, *arm("better", 0.2)])[0].comparison
    assert judged["better"].ci == alone.ci
    assert (judged["better"].family_size, alone.family_size) == (2, 1)


def test_a_failed_run_is_missing_and_a_diverged_one_is_an_outcome() -> None:
    better = arm("better", 0.2)
    lost: dict[str, Status] = {"failed": "failed", "cut": "interrupted", "running": "running"}
    for status in lost.values():
        records = [*BASELINE, *better[:3], replace(better[3], status=status, metrics={})]
        (judgement,) = judge_arms(records)
        assert judgement.comparison.seeds == (0, 1, 2)
        assert judgement.comparison.verdict == "supported"
    diverged = replace(better[3], status="diverged", metrics={})
    assert verdicts([*BASELINE, *better[:3], diverged]) == {"better": ("refuted", "unstable")}


def test_a_baseline_that_diverged_judges_nothing() -> None:
    nan = float("nan")
    records = [*BASELINE[:3], run("baseline", "base", 3, nan, status="diverged")]
    (judgement,) = judge_arms([*records, *arm("better", 0.2)])
    assert judgement.comparison.verdict == "invalid"
    json.dumps(judgement.to_dict(), allow_nan=False)


def test_the_family_counts_every_arm_ever_compared() -> None:
    failed = [replace(r, status="failed", metrics={}) for r in arm("broken", 0.0)]
    old = arm("better", 0.1, config="old")
    judged = judge_arms([*BASELINE, *arm("better", 0.2), *old, *arm("none", 0.0), *failed])
    assert {j.comparison.family_size for j in judged} == {4}
    assert {j.comparison.idea for j in judged} == {"better", "none"}


def test_the_newest_configuration_of_an_arm_speaks_for_it() -> None:
    new = arm("better", 0.2, config="new", started="2026-02-01T00:00:00+00:00")
    old = arm("better", -0.2, config="old")
    for records in ([*BASELINE, *new, *old], [*BASELINE, *old, *new]):
        (judgement,) = judge_arms(records)
        assert judgement.arm.config_hash == "new"
        assert judgement.comparison.verdict == "supported"


def test_an_arm_may_be_asked_about_against_another_baseline() -> None:
    other = [run("baseline", "other", s, x - 1.0, base="other") for s, x in enumerate(LOSSES)]
    arms = arms_of([*BASELINE, *other, *arm("better", 0.2)])
    asked = {"better": "better", "base": "optimizer=adamw"}
    judged = judge_baseline(arms, "other", asked=asked)
    assert {j.comparison.idea: j.comparison.verdict for j in judged} == {
        "better": "refuted",
        "optimizer=adamw": "refuted",
    }
    assert {j.comparison.family_size for j in judged} == {2}


def test_runs_made_alone_and_in_a_sweep_are_one_arm() -> None:
    better = arm("better", 0.2)
    alone = replace(better[0], arm="baseline", baseline_hash="better")
    assert verdicts([*BASELINE, alone, *better[1:]]) == {"better": ("supported", None)}


def test_a_name_chooses_and_an_unknown_one_is_a_mistake() -> None:
    records = [*BASELINE, *arm("better", 0.2), *arm("worse", -0.2)]
    assert verdicts(records, "worse").keys() == {"worse"}
    with pytest.raises(AuditionError, match="no runs of 'beter'; did you mean 'better'"):
        judge_arms(records, ["beter"])


def test_without_a_baseline_there_is_nothing_to_judge() -> None:
    assert judge_arms(arm("better", 0.2)) == []
    with pytest.raises(AuditionError, match="no finished run of baseline base"):
        judge_baseline(arms_of(arm("better", 0.2)), "base")


def test_what_would_settle_it_is_counted_in_runs_and_seconds() -> None:
    noisy = [run("noisy", "noisy", s, x) for s, x in enumerate((1.53, 1.47, 1.50, 1.46))]
    (judgement,) = judge_arms([*BASELINE, *noisy])
    needed = judgement.comparison.seeds_needed
    assert judgement.comparison.verdict == "inconclusive"
    assert needed is not None
    missing = 2 * max(0, needed - 4)
    assert judgement.runs_to_settle == missing
    assert judgement.seconds_to_settle == pytest.approx(2.0 * missing)
