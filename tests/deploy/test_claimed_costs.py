"""Costs that a plan claims: measured after its runs, arms in turn, and judged from their records."""

from dataclasses import replace

import pytest

from audition.amount import COSTS, beside_baseline
from audition.answers import judge_plan
from audition.costs import claimed
from audition.costs.blocks import Timed
from audition.errors import AuditionError
from audition.records.registration import PlannedClaim, register
from audition.sweep.announce import announcement

ALLOWED = ("audition.",)


@pytest.fixture
def claiming(ledger):
    """A plan and costs with their k -> its registration, filed, which claims them of every arm."""

    def of(plan, **costs):
        arms = tuple(dict(plan.arms()).values())
        claims = (PlannedClaim(cost=cost, k=k, delta=0.1, arms=arms) for cost, k in costs.items())
        made = replace(announcement(plan), claims=tuple(claims))
        register(ledger.root, made)
        return made

    return of


def test_every_cost_that_is_measured_beside_has_a_way_to_be(planned, carry_out, ledger, claiming):
    assert set(claimed.MEASURES) == {cost for cost, each in COSTS.items() if each.beside}
    arms = {"baseline": "", "blocks": "execution.checkpoint_activations=blocks"}
    plan, _ = carry_out(planned(arms, seeds=(1, 2)))
    own = claiming(plan, held_for_backward=1.5, train_seconds=3.0, optimizer_state=2.0, latency=3.0)
    claimed.measure(ledger, own, ALLOWED)
    records = ledger.read().records
    blocks = [record for record in records if record.arm == "blocks"]
    for record in blocks:
        for cost in claimed.MEASURES:
            assert record.costs[cost].value > 0
            assert record.costs[beside_baseline(cost)].value > 0
    (judgement,) = judge_plan(records, own, [own])
    words = {claim.cost: claim.word for claim in judgement.claims}
    # The weights are equal to the bit, so each is a question of its cost.
    assert all(claim.gain.error == 0.0 for claim in judgement.claims)
    assert words["held_for_backward"] == "supported"
    assert words["optimizer_state"] == "refuted"
    assert words["train_seconds"] != "supported"
    assert words["latency"] != "supported"


def test_what_is_on_record_is_not_measured_again(planned, carry_out, ledger, claiming, monkeypatch):
    plan, _ = carry_out(planned({"baseline": "deploy=fp32", "int8": "deploy=int8"}, seeds=(1,)))
    own = claiming(plan, latency=1.1)
    claimed.measure(ledger, own, ALLOWED)
    before = {r.key: r.costs for r in ledger.read().records}
    assert "latency" in next(costs for costs in before.values() if "latency" in costs)
    monkeypatch.setattr(claimed, "MEASURES", {})
    claimed.measure(ledger, own, ALLOWED)
    assert {r.key: r.costs for r in ledger.read().records} == before


def test_work_of_every_tenth_step_is_in_the_seconds(
    planned, carry_out, ledger, claiming, monkeypatch
):
    plan, _ = carry_out(planned({"baseline": "", "other": "optimizer.lr=1e-3"}, seeds=(1,)))
    own = claiming(plan, train_seconds=1.5)
    even, now_and_then = (1.0,) * 20, (*(1.0,) * 9, 11.0) * 2
    monkeypatch.setattr(
        claimed,
        "step_seconds",
        lambda arms: {
            arm: Timed(even if arm == own.baseline_hash else now_and_then) for arm in arms
        },
    )
    claimed.measure(ledger, own, ALLOWED)
    (record,) = (record for record in ledger.read().records if record.arm == "other")
    theirs = record.costs[beside_baseline("train_seconds")]
    assert theirs.value == record.steps
    assert record.costs["train_seconds"].over(theirs) == pytest.approx(2.0)


def test_latency_of_what_reads_no_tokens_is_refused(ledger, monkeypatch):
    monkeypatch.setattr(claimed, "settings_at", lambda *_: {"model": {"width": 9}})
    with pytest.raises(AuditionError, match="latency is of language models"):
        claimed.MEASURES["latency"](ledger, {"baseline": None}, ALLOWED)


def test_a_plan_that_is_not_there_is_a_sentence(ledger):
    with pytest.raises(SystemExit, match="there is no plan 0123456789abcdef"):
        claimed.main(str(ledger.root), "0123456789abcdef")
