"""The limiter against its definition: |update| <= ceiling x max(|weight|, floor)."""

import math
from dataclasses import replace

import pytest
import torch

from audition.effects.limiter import Limiter
from audition.recipe.batches import Clock
from audition.recipe.effect import Chain, Effect
from audition.session import begin
from audition.training.step import advance

W = {"w": torch.full((4, 4), 2.0), "zero": torch.zeros(9)}  # norms 8 and 0


class Gain(Effect):
    """Makes every update ten times as long."""

    def on_updates(self, updates, state, view):
        return {name: 10.0 * u for name, u in updates.items()}, state


def test_a_long_update_is_brought_to_the_ceiling(view):
    out, _ = Limiter(ceiling=0.1).on_updates({"w": torch.ones(4, 4)}, None, view(W))
    assert torch.allclose(out["w"], torch.full((4, 4), 0.8 / 4))


def test_a_short_update_keeps_its_bits(view):
    update = {"w": torch.rand(4, 4) * 1e-3}
    out, _ = Limiter(ceiling=0.1).on_updates(update, None, view(W))
    assert torch.equal(out["w"], update["w"])


def test_weights_of_zero_can_move(view):
    out, _ = Limiter(ceiling=0.5, floor=0.2).on_updates({"zero": torch.ones(9)}, None, view(W))
    assert out["zero"].norm().item() == pytest.approx(0.1)


def test_infinite_ceiling_is_the_same_object(view):
    updates = {"w": torch.ones(4, 4)}
    assert Limiter(ceiling=math.inf).on_updates(updates, None, view(W))[0] is updates


def test_meters_say_how_many_tensors_are_limited_and_how_far(view):
    effect = Limiter(ceiling=0.1)
    assert effect.meters(effect.init(W, None)) == {}
    updates = {"w": torch.full((4, 4), 0.4), "zero": torch.full((9,), 1e-6)}  # allowed .8 of 1.6
    _, state = effect.on_updates(updates, None, view(W))
    meters = {name: float(value) for name, value in effect.meters(state).items()}
    assert meters == pytest.approx({"limited": 0.5, "gain": 0.75})


def test_in_training_the_ceiling_holds_behind_any_effect(job_of):
    """Measured against the weights before the update, whatever another effect made of it."""
    job = job_of("schedule=constant")
    chain = Chain({"gain": Gain(), "limiter": Limiter(ceiling=0.01)})
    job = replace(job, recipe=replace(job.recipe, effects=chain))
    session = begin(job.recipe, job.seed, "cpu")
    for step in range(3):
        before = {name: p.detach().clone() for name, p in session.params.items()}
        advance(job, session, Clock(step, 10, step / 10))
        for name, p in session.params.items():
            share = (p.detach() - before[name]).norm() / before[name].norm()
            assert share.item() == pytest.approx(0.01, rel=1e-4), name
