"""What the runs of a plan say of its claims: costs from records, controls, families, lengths."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_records import made

from audition.amount import COSTS, Amount
from audition.answers import judge_arms, judge_plan
from audition.answers.commands import commands
from audition.answers.judgement import Judgement
from audition.answers.leaderboard import Leaderboard, Row
from audition.answers.verdict import as_data, verdicts
from audition.records.record import Record
from audition.records.registration import PlannedArm, PlannedClaim, Registration
from audition.records.store import Ledger
from audition.report.leaderboard_table import columns, notes
from audition.report.savings import claimed, show_claims
from audition.report.verdict_text import lines
from audition.stats.claim import LACKING

SEEDS = (1, 2, 3, 4)
LEVELS = dict(zip(SEEDS, (1.80, 1.82, 1.79, 1.81), strict=True))
WOBBLE = dict(zip(SEEDS, (0.001, -0.001, 0.002, 0.0), strict=True))


def bytes_of(size: float, method: str = "measured") -> dict[str, Amount]:
    return {"model_bytes": Amount(size, "bytes", method)}  # type: ignore[arg-type]


def plan_of(*claims: PlannedClaim, arms: Sequence[str] = ("small", "poor")) -> Registration:
    planned = [PlannedArm(name=a, config_hash=a, seeds=SEEDS, cards={}) for a in arms]
    return Registration(
        baseline_hash="baseline",
        baseline_seeds=SEEDS,
        arms=tuple(planned),
        metric="val_loss",
        sides="two",
        claims=claims,
        number=1,
    ).sealed()


def claim_of(cost: str = "model_bytes", **terms: Any) -> PlannedClaim:
    plain = {"k": 3.0, "delta": 0.01, "arms": ("small", "poor")}
    return PlannedClaim(cost=cost, **{**plain, **terms})


def runs(arm: str, gain: float, of: Registration, **facts: Any) -> list[Record]:
    wobble = {seed: 0.0 if arm == "baseline" else WOBBLE[seed] for seed in SEEDS}
    return [
        made(
            arm, seed, LEVELS[seed] - gain - wobble[seed], plan=of.digest(), unit="tokens", **facts
        )
        for seed in SEEDS
    ]


def judged(plan: Registration, gains: Mapping[str, tuple[float, Any]]) -> dict[str, Judgement]:
    """Arm -> (gain, facts of its runs), the baseline among them -> the verdict on each."""
    filed = [run for arm, (gain, facts) in gains.items() for run in runs(arm, gain, plan, **facts)]
    return {j.arm.name: j for j in judge_plan(filed, plan, [plan])}


ALIKE = {
    "baseline": (0.0, {"costs": bytes_of(1200), "parameters": 300}),
    "small": (0.0, {"costs": bytes_of(300), "parameters": 300}),
    "poor": (-0.2, {"costs": bytes_of(100), "parameters": 300}),
}


def test_an_arm_is_judged_by_its_loss_and_its_cost() -> None:
    found = judged(plan_of(claim_of()), ALIKE)
    (small,), (poor,) = found["small"].claims, found["poor"].claims
    assert (small.word, small.method, small.delta) == ("supported", "measured", 0.01)
    assert small.factor_ci == pytest.approx((4.0, 4.0))
    assert small.score == pytest.approx(4.0)
    assert small.family_size == 2
    assert (poor.word, poor.score) == ("traded", None)
    assert poor.per_halving == pytest.approx(0.2 / 3.585, rel=0.01)  # 12 times less


def test_delta_is_by_rule_where_the_plan_names_none() -> None:
    (small,) = judged(plan_of(claim_of(delta=None)), ALIKE)["small"].claims
    assert small.delta == pytest.approx(0.005 * sum(LEVELS.values()) / 4)  # under a seed's sd


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"costs": {}}, "no run of the arm has bytes of the file on record"),
        ({"costs": bytes_of(300, "simulated")}, "measured and simulated, and one is no measure"),
    ],
)
def test_costs_that_do_not_compare_are_invalid(facts: Mapping[str, Any], said: str) -> None:
    (small,) = judged(plan_of(claim_of()), {**ALIKE, "small": (0.0, facts)})["small"].claims
    assert small.word == "invalid"
    assert said in small.reasons[0]


def test_a_cost_that_nobody_has_on_record_has_no_method() -> None:
    nothing = {"baseline": (0.0, {"costs": {}}), "small": (0.0, {"costs": {}})}
    (small,) = judged(plan_of(claim_of()), nothing)["small"].claims
    assert (small.word, small.method) == ("invalid", "")


def test_an_arm_without_runs_still_counts_in_the_family() -> None:
    found = judged(plan_of(claim_of()), {arm: ALIKE[arm] for arm in ("baseline", "small")})
    assert found["small"].claims[0].family_size == 2


def test_the_control_is_named_where_it_lacks_and_said_where_it_passes() -> None:
    (small,) = judged(plan_of(claim_of()), ALIKE)["small"].claims
    assert small.control == LACKING
    assert "the control is lacking" in small.reasons[-1]
    plan = plan_of(claim_of(controls=("narrow",)), arms=("small", "poor", "narrow"))
    base = ALIKE["baseline"][1]
    flops = {"train_flops": Amount(1e9, "operations", "exact")}
    for gain, word in ((0.01, "supported"), (-0.1, "traded")):
        narrow = {"costs": bytes_of(200) | flops, "parameters": 50, "budget": {"tokens": 9000}}
        runs_of = {
            **ALIKE,
            "baseline": (0.0, {**base, "costs": base["costs"] | flops}),
            "narrow": (gain, narrow),
        }
        found = judged(plan, runs_of)
        assert found["small"].claims[0].control == word
        own = found["narrow"].claims[0]
        assert (own.is_control, own.word) == (True, word)
        passes = "and so does a smaller plain model" in found["small"].claims[0].reasons[-1]
        assert passes is (word == "supported")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"parameters": 300}, "no smaller than the baseline"),
        (
            {"parameters": 50, "costs": {"train_flops": Amount(2e9, "operations", "exact")}},
            "takes 2.00 times the baseline's operations",
        ),
    ],
)
def test_what_is_no_control_is_not_taken_for_one(facts: Mapping[str, Any], said: str) -> None:
    plan = plan_of(claim_of(controls=("narrow",)), arms=("small", "poor", "narrow"))
    flops = {"train_flops": Amount(1e9, "operations", "exact")}
    runs_of = {
        **ALIKE,
        "baseline": (0.0, {"parameters": 300, "costs": bytes_of(1200) | flops}),
        "narrow": (0.0, {**facts, "costs": bytes_of(100) | facts.get("costs", {})}),
    }
    found = judged(plan, runs_of)
    assert said in found["narrow"].claims[0].fault
    assert found["small"].claims[0].control == LACKING


def test_a_claim_of_length_lets_budgets_differ_and_a_verdict_says_so() -> None:
    """A ladder: the same loss at 1/2 and 1/4 of the tokens, asked in that order."""
    arms = ("muon", "muon,half", "muon,quarter")
    claim = claim_of("tokens", k=2.0, arms=arms, ladders=(arms,))
    plan = plan_of(claim, arms=arms)
    lengths = {"baseline": 1000, "muon": 1000, "muon,half": 500, "muon,quarter": 250}
    gains = {"muon": 0.2, "muon,half": 0.05, "muon,quarter": -0.2}
    runs_of = {
        arm: (gains.get(arm, 0.0), {"units": n, "budget": {"tokens": n}})
        for arm, n in lengths.items()
    }
    found = judged(plan, runs_of)
    words = {name: each.claims[0].word for name, each in found.items()}
    assert words == {"muon": "refuted", "muon,half": "supported", "muon,quarter": "traded"}
    assert found["muon,half"].comparison.verdict == "supported"
    told = " ".join(
        note for _, note in lines(verdicts(Ledger(Path("no")), [found["muon,half"]])[0])
    )
    assert "1/2 of the tokens trained on (exact)" in told
    without = judged(replace(plan, claims=()), runs_of)["muon,half"]
    assert "Not like for like: budget.tokens" in without.comparison.reason


def test_equal_weights_are_an_equal_loss_on_one_seed() -> None:
    plan = plan_of(claim_of("peak_memory", k=2.0))
    facts = {"baseline": 4000.0, "small": 1500.0}
    filed = [
        made(a, 1, 1.8, plan=plan.digest(), peak_mb=mb, weights="w") for a, mb in facts.items()
    ]
    found = {j.arm.name: j for j in judge_plan(filed, plan, [plan])}["small"].claims[0]
    assert (found.p_loss, found.word) == (0.0, "inconclusive")  # memory is measured, and once
    parameters = replace(plan, claims=(claim_of("parameters", k=2.0),))
    sizes = {"baseline": 400, "small": 150}
    filed = [made(a, 1, 1.8, parameters=n, weights="w") for a, n in sizes.items()]
    found = {j.arm.name: j for j in judge_plan(filed, parameters, [])}["small"].claims[0]
    assert (found.word, found.control) == ("supported", "")  # nothing smaller can stand in
    assert found.reasons[0] == "the weights are the same to the last bit"


def test_a_claim_is_part_of_the_seal_and_of_what_is_asked_of_one_arm() -> None:
    plain, claiming = plan_of(), plan_of(claim_of())
    assert plain.digest() != claiming.digest()
    filed = [
        run for arm, (gain, facts) in ALIKE.items() for run in runs(arm, gain, claiming, **facts)
    ]
    (alone,) = judge_arms(filed, ["small"], plans=[claiming])
    assert alone.claims == judged(claiming, ALIKE)["small"].claims  # adjusted for the family too
    (data,) = as_data(verdicts(Ledger(Path("no")), [alone]))
    assert data["claims"][0]["word"] == "supported"
    ((label, text),) = claimed(alone)
    assert label == "claim"
    assert text.startswith(
        "supported: the same for at most 1/3 of the bytes of the file (measured)"
    )


def test_a_table_of_claims_has_one_method_and_says_what_the_control_came_to(capsys) -> None:
    found = list(judged(plan_of(claim_of(), claim_of("parameters", k=2.0)), ALIKE).values())
    show_claims([j.arm.name for j in found], found, 120)
    measured, exact = capsys.readouterr().out.split("costs exact:")
    assert "costs measured:" in measured
    assert "1/3 model_bytes" in measured
    assert "parameters" not in measured
    assert "1/2 parameters" in exact
    assert "refuted" in exact
    assert "a halving" in measured  # of the poor arm
    assert "model_bytes: no control" in exact  # after both tables
    show_claims(["gate"], [replace(found[0], claims=())], 120)
    assert capsys.readouterr().out == ""


def test_a_table_has_one_method_a_cost() -> None:
    def board(method: str) -> Leaderboard:
        poor = (-0.2, {"costs": bytes_of(100, method)})
        base = runs("baseline", 0.0, plan_of(), costs=bytes_of(1200))
        found = judged(plan_of(claim_of()), {**ALIKE, "poor": poor}).values()
        rows = tuple(Row(j.arm.name, j, None) for j in found)  # type: ignore[arg-type]
        return Leaderboard(
            next(iter(found)).baseline.only([r.seed for r in base]), rows, (), "", None
        )

    whole = board("measured")
    assert "model_bytes\n1/3" in columns(whole)
    assert any("1/3 of the bytes of the file (measured)" in each for each in notes(whole, ()))
    mixed = board("simulated")
    assert "model_bytes\n1/3" not in columns(mixed)
    assert any("does not mix them" in each for each in notes(mixed, ()))


def test_arms_of_the_same_trained_weights_have_each_their_own_noise() -> None:
    """A step that changes .00001 is not as uncertain as one that changes 1."""
    plan = plan_of(arms=("fine", "wild"))

    def made_of(arm: str, losses: Mapping[int, float]) -> list[Record]:
        return [
            made(arm, s, x, plan=plan.digest(), parent={"place": "p", "weights": f"w{s}"})
            for s, x in losses.items()
        ]

    filed = [
        *made_of("baseline", LEVELS),
        *made_of("fine", {s: x + 1e-5 * (1 + WOBBLE[s] * 100) for s, x in LEVELS.items()}),
        *made_of("wild", {s: x + 1.0 + 50 * WOBBLE[s] for s, x in LEVELS.items()}),
    ]
    found = {j.arm.name: j.comparison for j in judge_plan(filed, plan, [plan])}
    low, high = found["fine"].ci
    assert high - low < 1e-4
    assert found["fine"].design == "paired"
    assert found["fine"].family_size == 2
    assert found["fine"].sesoi == pytest.approx(0.0129, abs=1e-3)  # a seed's sd, of trainings


def test_a_command_claims_again_what_was_claimed_and_nothing_of_other_arms() -> None:
    plan = plan_of(claim_of(arms=("small",)), claim_of("parameters", k=2.0, arms=("small",)))
    typed = {"baseline": (), "small": ("norm=rmsnorm",), "poor": ("optimizer=sgd",)}
    filed = [
        replace(run, overrides=("+sweeps=mine", *typed[arm]), started="2026")
        for arm, (gain, facts) in ALIKE.items()
        for run in runs(arm, gain, plan, **facts)
    ]
    small, poor = (
        commands(judgement, Path("outputs"))[0] for judgement in judge_plan(filed, plan, [plan])
    )
    assert "'claim.cost=[model_bytes,parameters]' 'claim.k=[3,2]' " in small
    assert "claim.arms=[" in small
    assert "norm=rmsnorm" in small.split("claim.arms")[1]
    assert "claim.control=null" in small
    assert "claim.cost=none" in poor


def test_every_cost_that_can_be_claimed_has_words() -> None:
    assert all(cost.says for cost in COSTS.values())
