"""The limiter against its definition: |update| <= ceiling x max(|weight|, floor)."""

import math
from dataclasses import replace

import pytest
import torch

from audition.effects.limiter import Limiter
from audition.errors import AuditionError
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


def test_with_a_look_ahead_the_gain_is_down_before_the_peak_is_made(view):
    """Against the least of a window of scipy's, on updates that come as many steps late."""
    ahead, steps = 3, 24
    generator = torch.Generator().manual_seed(0)
    series = torch.rand(steps, generator=generator)
    series[10] = 9.0
    effect, made, state = Limiter(ceiling=0.1, lookahead=ahead), [], None
    for step, size in enumerate(series):
        update = torch.full((4, 4), size.item() / 4)  # norm of its size; 0.8 are allowed
        here = replace(view(W), clock=Clock(step, steps))
        out, state = effect.on_updates({"w": update}, state, here)
        made.append(out["w"].norm().item())
        update.zero_()  # no state may be the signal
    gains = (0.8 / series).clamp(max=1.0).numpy()
    window = [gains[max(0, t - ahead) : t + 1].min() for t in range(steps)]
    expected = [0.0] * ahead + [series[t - ahead].item() * window[t] for t in range(ahead, steps)]
    assert made == pytest.approx(expected, rel=1e-5)
    assert max(made) <= 0.8 * (1 + 1e-6)
    before = [m / s for m, s in zip(made[10:13], series[7:10].tolist(), strict=True)]
    assert before == pytest.approx([0.8 / 9.0] * 3)


def test_a_look_ahead_of_none_is_the_plain_limiter_and_one_beyond_the_run_is_refused(view):
    updates = {"w": torch.ones(4, 4)}
    plain, _ = Limiter(ceiling=0.1).on_updates(updates, None, view(W))
    same, state = Limiter(ceiling=0.1, lookahead=0).on_updates(updates, None, view(W))
    assert torch.equal(plain["w"], same["w"])
    assert set(state) == {"gains"}
    with pytest.raises(
        AuditionError, match="a look-ahead of 10 steps is longer than the run of 10"
    ):
        Limiter(lookahead=10).on_updates(updates, None, view(W))
