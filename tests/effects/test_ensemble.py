"""Ensembles: a chain beside its copy is that chain, and a mean is one of every signal."""

from dataclasses import replace

import pytest
import torch

from audition.effects.ema import EMA
from audition.effects.ensemble import Ensemble
from audition.effects.limiter import Limiter
from audition.effects.momentum_scheduler import MomentumScheduler
from audition.effects.saturation import Saturation
from audition.effects.sharpness_aware import SharpnessAware
from audition.errors import AuditionError
from audition.recipe.effect import Chain, Effect
from audition.recipe.problem import Cost, Gradient
from audition.recipe.signals import Controls
from audition.training.loop import train


class Noisy(Effect):
    """Draws from its own stream."""

    def on_gradients(self, gradient, state, view):
        noise = torch.randn(1, generator=view.streams.generator("noise", view.clock.step)).item()
        return gradient.with_grads({n: g * (1 + noise) for n, g in gradient.grads.items()}), state


A = Chain(
    {
        "momentum": MomentumScheduler(),
        "sam": SharpnessAware(rho=0.5),
        "saturation": Saturation(drive=1.0),
        "noisy": Noisy(),
        "limiter": Limiter(ceiling=0.01),
        "ema": EMA(decay=0.5),
    }
)
B = Chain({"limiter": Limiter(ceiling=0.001), "saturation": Saturation(drive=0.1)})


def run(job, effect):
    return train(replace(job, recipe=replace(job.recipe, effects=Chain({"it": effect}))))


def pair(first, second, *weights):
    return Ensemble(chains=Chain({"first": first, "second": second}), weights=weights)


def test_a_chain_beside_its_copy_is_that_chain(job_of, weights_of, differences):
    job = job_of()
    alone = run(job, A)
    for ensemble in (pair(A, A), pair(A, A, 0.3, 0.7), pair(A, B, 1.0, 0.0), pair(B, A, 0, 2)):
        found = run(job, ensemble)
        assert not differences(weights_of(found), weights_of(alone))
        assert found.final == alone.final
    assert run(job, pair(A, A)).session.cost == Cost(24.0, 24.0)  # six steps of two by two passes
    assert run(job, pair(A, B, 1, 0)).session.cost == alone.session.cost
    assert run(job, pair(A, B)).final != alone.final


def test_the_order_of_members_is_rounding_alone(job_of, weights_of):
    job = job_of()
    one, other = run(job, pair(A, B, 1, 2)), run(job, pair(B, A, 2, 1))
    for name, weight in weights_of(one).items():
        assert torch.allclose(weight, weights_of(other)[name], atol=1e-5)


class Gain(Effect):
    """Multiplies what it is given."""

    def __init__(self, gain):
        self.gain = gain

    def before_batch(self, controls, state, view):
        return replace(controls, lr=self.gain * controls.lr), state

    def on_gradients(self, gradient, state, view):
        return gradient.with_grads({n: self.gain * g for n, g in gradient.grads.items()}), state

    def on_updates(self, updates, state, view):
        return {n: self.gain * u for n, u in updates.items()}, state

    def meters(self, state):
        return {"gain": self.gain}


def test_every_signal_is_the_weighted_mean_of_what_each_makes_of_the_same(view, gradient):
    """In series the gains would multiply; side by side each sees the signal itself."""
    three = Chain({"one": Gain(1.0), "two": Gain(2.0), "six": Gain(6.0)})
    for weights, mean in (((), 3.0), ((1.0, 2.0, 1.0), 2.75)):
        ensemble = Ensemble(chains=three, weights=weights)
        state = ensemble.init({}, view({}).streams)
        assert ensemble.before_batch(Controls(), state, view({}))[0].lr == pytest.approx(mean)
        w = {"w": torch.ones(2)}
        found, _ = ensemble.on_gradients(gradient(w), state, view(w))
        assert found.grads["w"].tolist() == pytest.approx([mean, mean])
        assert ensemble.on_updates(w, state, view(w))[0]["w"].tolist() == pytest.approx([mean] * 2)
        assert w["w"].tolist() == [1.0, 1.0]
        assert ensemble.meters(state) == {"one/gain": 1.0, "two/gain": 2.0, "six/gain": 6.0}


def test_a_member_that_closes_the_step_counts_as_zero(view):
    class Closing(Effect):
        def on_gradients(self, gradient, state, view):
            return replace(gradient, grads={}, closed=True), state

    w = {"w": torch.ones(2)}
    whole = Gradient(w, {}, Cost())
    found, _ = pair(Closing(), Gain(2.0)).on_gradients(
        whole, {"first": None, "second": None}, view(w)
    )
    assert not found.closed
    assert found.grads["w"].tolist() == [1.0, 1.0]
    both, _ = pair(Closing(), Closing()).on_gradients(
        whole, {"first": None, "second": None}, view(w)
    )
    assert both.closed


@pytest.mark.parametrize("weights", [(1.0,), (0.0, 0.0)])
def test_weights_that_do_not_fit_are_refused(weights):
    with pytest.raises(AuditionError, match="each has one, and one is above 0"):
        Ensemble(chains=Chain({"a": A, "b": B}), weights=weights)
