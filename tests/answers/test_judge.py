"""Which runs stand against which, and what a judgement says as data."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from audition.answers import arms_of, judge_arms, judge_baseline
from audition.errors import AuditionError
from audition.records.record import Record, Status
from audition.records.registration import PlannedArm, Registration

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
        ({"budget": {"tokens": 1000, "steps": 20}}, "budget.steps is 20 against none"),
        ({"budget": {"steps": 20}}, "budget.steps is 20 against none"),
        ({"budget": {}}, "budget.tokens is none against 1000"),
    ],
)
def test_what_differs_in_measure_is_refused_by_name(facts: dict[str, Any], said: str) -> None:
    records = [*BASELINE, *arm("better", 0.2), *arm("unlike", 5.0, **facts)]
    judged = {j.comparison.idea: j.comparison for j in judge_arms(records)}
    assert judged["unlike"].verdict == "invalid"
    assert judged["unlike"].reason == f"Not like for like: {said}."
    # The refused arm lends nothing to the other but its place in the family.
    alone = judge_arms([*BASELINE, *arm("better", 0.2)])[0].comparison
    assert judged["better"].standard_error == alone.standard_error
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


def test_an_arm_of_other_seeds_alone_has_no_losses() -> None:
    (ours,) = arms_of(arm("baseline", 0.0)).values()
    assert ours.losses
    assert ours.only({999}).losses == ours.only({999}).levels == {}


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


def planned(*names: str, seeds: tuple[int, ...] = (0, 1, 2, 3), **facts: Any) -> Registration:
    """A plan that names those arms on `seeds`."""
    arms = tuple(PlannedArm(name=n, config_hash=n, seeds=seeds, cards={}) for n in names)
    named = {"metric": "val_loss", **facts}
    return Registration(baseline_hash="base", baseline_seeds=seeds, arms=arms, **named)


def on_seeds(name: str, losses: Sequence[float], first: int, **facts: Any) -> list[Record]:
    return [run(name, name, first + i, loss, **facts) for i, loss in enumerate(losses)]


PLAN = planned("better")
ASKED_FOR = [replace(r, plan=PLAN.digest()) for r in (*BASELINE, *arm("better", 0.02))]
STRAYS = {
    "of the baseline": on_seeds("base", (1.3, 1.7, 1.4), 7, plan=""),
    "of the idea": on_seeds("better", (1.9, 1.1), 7, plan=""),
    "of both": [
        *on_seeds("base", (1.3, 1.7, 1.4), 7, plan=""),
        *on_seeds("better", (1.9, 1.1), 7, plan=""),
    ],
}


@pytest.mark.parametrize("strays", STRAYS.values(), ids=STRAYS)
def test_runs_that_no_plan_names_change_nothing_and_are_named(strays: list[Record]) -> None:
    (alone,) = judge_arms(ASKED_FOR, plans=[PLAN])
    (beside,) = judge_arms([*ASKED_FOR, *strays], plans=[PLAN])
    assert beside.comparison == alone.comparison
    assert alone.comparison.design == "paired"
    assert (beside.standing.word, alone.standing.word) == ("as planned", "as planned")
    assert alone.standing.left_out == ()
    said = "; ".join(beside.standing.left_out)
    for record in strays:
        assert str(record.seed) in said


def test_the_baseline_of_another_plan_does_not_reach_this_one() -> None:
    """Three more seeds of a shared baseline would turn a paired comparison into a pooled one."""
    other = planned("other", seeds=(7, 8, 9), number=2)
    runs = [
        *on_seeds("base", (1.3, 1.7, 1.4), 7, plan=other.digest()),
        *on_seeds("other", (1.2, 1.6, 1.3), 7, plan=other.digest()),
    ]
    (alone,) = judge_arms(ASKED_FOR, plans=[PLAN])
    judged = {j.arm.name: j for j in judge_arms([*ASKED_FOR, *runs], plans=[PLAN, other])}
    mine = judged["better"]
    assert (mine.comparison.design, mine.comparison.seeds) == ("paired", (0, 1, 2, 3))
    assert (mine.comparison.n, mine.comparison.n_baseline) == (4, 4)
    assert (mine.comparison.improvement, mine.comparison.p) == (
        alone.comparison.improvement,
        alone.comparison.p,
    )
    assert (mine.comparison.family_size, mine.standing.joined) == (2, 1)
    assert judged["other"].comparison.seeds == (7, 8, 9)


def test_what_a_later_plan_adds_counts_and_is_exploratory() -> None:
    wider = planned("better", seeds=(0, 1, 2, 3, 4, 5, 6), number=2)
    added = [
        *on_seeds("base", (1.5, 1.51, 1.49), 4, plan=wider.digest()),
        *on_seeds("better", (1.4, 1.41, 1.39), 4, plan=wider.digest()),
    ]
    (judged,) = judge_arms([*ASKED_FOR, *added], plans=[PLAN, wider])
    assert judged.comparison.seeds == (0, 1, 2, 3, 4, 5, 6)
    assert judged.standing.departures == ("seeds 4, 5, 6 added to the plan",)
    more = planned("better", number=3)
    more = replace(more, baseline_seeds=(0, 1, 2, 3, 4, 5))
    (judged,) = judge_arms([*ASKED_FOR, *added[:2]], plans=[PLAN, more])
    assert judged.comparison.n_baseline == 6
    assert judged.standing.departures == ("seeds 4, 5 of the baseline added to the plan",)


def test_an_arm_that_no_plan_names_lends_no_noise_to_one_that_was_planned() -> None:
    (alone,) = judge_arms(ASKED_FOR, plans=[PLAN])
    wild = [replace(r, plan="") for r in arm("wild", 0.5)]
    wild += [replace(r, plan="", arm="x", config_hash="x") for r in arm("wild", 0.1)]
    judged = {j.arm.name: j for j in judge_arms([*ASKED_FOR, *wild], plans=[PLAN])}
    assert judged["better"].comparison.standard_error == alone.comparison.standard_error
    assert judged["better"].standing.joined == 2
    assert judged["wild"].standing.departures == ("no plan named this arm before it was run",)


def test_runs_that_tie_are_told_apart_by_their_weights() -> None:
    def tied(name: str, loss: float, digest: str) -> list[Record]:
        return [run(name, name, seed, loss, weights=f"{digest}{seed}") for seed in range(3)]

    base = [replace(r, arm="baseline") for r in tied("base", 0.5, "b")]
    (judged,) = judge_arms([*base, *tied("idea", 0.4, "i")])
    assert judged.comparison.verdict == "inconclusive"
    same = [replace(r, weights="") for r in base]
    (judged,) = judge_arms([*same, *tied("idea", 0.4, "i")])
    assert judged.comparison.verdict == "invalid"
    assert "seeds were not applied" in judged.comparison.reason


def test_a_name_that_no_run_has_is_answered_with_those_that_have_some() -> None:
    records = [*BASELINE, *arm("better", 0.2)]
    with pytest.raises(AuditionError, match=r"no runs of 'beter'; did you mean 'better'\?"):
        judge_arms(records, ["beter"])


def test_a_run_with_too_few_events_is_called_untested() -> None:
    few = "2 events of the 5 that test a strategy"
    (judgement,) = judge_arms([*BASELINE, *arm("better", 0.2, untested=few)])
    found = judgement.comparison
    assert found.verdict == "invalid"
    assert found.reason == f"Untested: seed 0 of better had {few}."


def test_a_draft_is_stamped_whatever_else_departs() -> None:
    """An idea that was run with a draft of its card has no claim, even once the card is whole."""
    draft, whole = {"cards": {"better": "draft 0123456789ab"}}, {"cards": {"better": "ab" * 6}}
    announced = Registration(
        baseline_hash="base",
        baseline_seeds=(0, 1, 2, 3),
        arms=(PlannedArm(name="better", config_hash="better", seeds=(0, 1, 2, 3), **draft),),
        metric="val_loss",
        sides="two",
        written="2025-12-31T00:00:00+00:00",
    ).sealed()
    under = {"plan": announced.digest()}
    runs = arm("better", 0.2, **draft, **under)
    (judgement,) = judge_arms([*BASELINE, *runs], plans=[announced])
    assert judgement.standing.word == "draft"
    assert judgement.standing.departures == (
        "the card of better is a draft, and a claim needs all of it",
    )
    assert judgement.comparison.verdict == "supported"
    assert judgement.to_dict()["standing"] == "draft"
    added = [*runs, run("better", "better", 9, 1.3, **draft, **under)]
    judged = [
        judge_arms([*BASELINE, *records], plans=plans)[0].standing.word
        for records, plans in ((added, []), (arm("better", 0.2, **whole, **under), [announced]))
    ]
    assert judged == ["exploratory draft", "exploratory draft"]
    assert "draft" not in judge_arms([*BASELINE, *arm("better", 0.2, **whole)])[0].standing.word
