"""The Ockham learner: its chain, and the controls that make as many steps, or cost as much."""

from dataclasses import replace

import pytest

from audition.effects.anchor import Anchor
from audition.effects.surprise_gate import SurpriseGate
from audition.ideas.ockham import Ockham
from audition.observers.observer import Observer
from audition.recipe.batches import Clock
from audition.recipe.effect import Chain
from audition.session import begin
from audition.training.loop import train
from audition.training.step import advance

IDEA = ("+idea=ockham", "ideas.ockham.gate.warmup=2", "budget.steps=12")


class Rates(Observer):
    """The gain on the rate of every step, and whether it was made."""

    def __init__(self):
        self.gains, self.made = [], []

    def on_step(self, session, report):
        self.gains.append(report.controls.lr)
        self.made.append(not report.gradient.closed)


def test_it_is_the_gate_and_the_anchor_in_that_order(job_of, weights_of, differences):
    job = job_of("budget.steps=12")
    gate, anchor = SurpriseGate(warmup=2), Anchor(strength=0.2, every=2)
    by_hand = replace(job.recipe, effects=Chain({"a": gate, "b": anchor}))
    found = train(job_of(*IDEA, "ideas.ockham.anchor.strength=0.2", "ideas.ockham.anchor.every=2"))
    assert not differences(weights_of(found), weights_of(train(replace(job, recipe=by_hand))))
    assert 2.0 < found.session.cost.backward < found.session.cost.forward == 12.0


def test_its_meters_are_named_after_it(job_of):
    job = job_of(*IDEA)
    session = begin(job.recipe, job.seed, "cpu")
    meters = advance(job, session, Clock(0, 12, 0.0)).meters()
    assert {
        "ockham/gate/updates",
        "ockham/gate/surprise",
        "ockham/anchor/complexity",
    } <= meters.keys()


@pytest.mark.parametrize(
    ("control", "steps"),
    # of 12: the 2 of the warm-up and half of the other 10; and 12 forwards with 7 backwards
    [("equal_updates", 7), ("equal_compute", (12 + 2 * 7) / 3)],
)
def test_a_control_is_the_baseline_of_a_shorter_budget(
    control, steps, job_of, weights_of, differences
):
    made, diary = -int(-steps // 1), Rates()
    found = train(job_of(*IDEA, f"ideas.ockham.control={control}"), [diary])
    assert diary.made == [True] * made + [False] * (12 - made)
    assert (found.session.cost.forward, found.session.cost.backward) == (made, made)
    assert found.status == "finished"
    if steps == made:  # a whole number: then it is that run to the bit
        plain = Rates()
        shorter = train(job_of(f"budget.steps={made}"), [plain])
        assert not differences(weights_of(found), weights_of(shorter))
        assert diary.gains[:made] == plain.gains


def test_shares_are_those_of_the_steps_that_a_gate_is_set_to_make():
    gate = SurpriseGate(quantile=0.75, warmup=100)
    updates = Ockham(gate=gate, anchor=Anchor(), control="equal_updates")
    compute = Ockham(gate=gate, anchor=Anchor(), control="equal_compute")
    clock = Clock(0, 500, 0.0)
    assert updates.share(clock) == pytest.approx((100 + 400 / 4) / 500)
    assert compute.share(clock) == pytest.approx((500 + 2 * 200) / 1500)
    assert updates.share(Clock(0, None, 0.0)) == pytest.approx(0.25)  # minutes: no count of steps


def test_stopped_in_the_middle_of_a_control_it_goes_on_alike(job_of, differences):
    overrides = (*IDEA, "ideas.ockham.control=equal_updates")
    whole = train(job_of(*overrides)).session.snapshot()
    for stop in (5, 9):
        half = train(job_of(*overrides), interrupted=lambda s, stop=stop: s == stop)
        rest = train(job_of(*overrides), resume=half.session.snapshot()).session.snapshot()
        assert not differences(
            {k: v for k, v in rest.items() if k != "seconds"},
            {k: v for k, v in whole.items() if k != "seconds"},
        )


def test_by_lot_it_reads_no_loss_and_makes_about_as_many_steps(job_of):
    made = {
        rule: train(job_of(*IDEA, f"ideas.ockham.gate.rule={rule}", "budget.steps=40"))
        for rule in ("quantile", "chance")
    }
    counts = {rule: outcome.session.cost.backward for rule, outcome in made.items()}
    assert 12 <= counts["chance"] <= 30
    assert counts["quantile"] <= 26  # fewer than half of the 38 where the loss still falls
