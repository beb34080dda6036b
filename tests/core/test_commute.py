"""Commutators: nothing for gains, much for a ceiling and a gain, each order from a fresh state."""

import math

import pytest
import torch

from audition.effects.limiter import Limiter
from audition.effects.saturation import Saturation
from audition.effects.sharpness_aware import SharpnessAware
from audition.recipe.batches import Clock
from audition.recipe.commute import Step, commutator, commutators
from audition.recipe.effect import Chain, Effect
from audition.recipe.problem import Cost, Gradient
from audition.recipe.signals import Controls, View
from audition.recipe.streams import Streams


class Gain(Effect):
    """A power of two, so that it is exact in any order."""

    def __init__(self, gain):
        self.gain = gain

    def on_gradients(self, gradient, state, view):
        return gradient.with_grads({n: self.gain * g for n, g in gradient.grads.items()}), state

    def on_updates(self, updates, state, view):
        return {n: self.gain * u for n, u in updates.items()}, state


class Counting(Effect):
    """Adds the number of calls so far: a state that both orders begin from nought."""

    def init(self, params, streams):
        return 0

    def on_updates(self, updates, state, view):
        return {n: u + state for n, u in updates.items()}, state + 1


class Noisy(Effect):
    def on_updates(self, updates, state, view):
        own = view.streams.generator("noise", view.clock.step)
        return {n: u * torch.rand(u.shape, generator=own) for n, u in updates.items()}, state


def steps(many=3):
    found = []
    for step in range(many):
        torch.manual_seed(step)
        w, g, u = ({"w": torch.randn(4, 3), "b": torch.randn(3)} for _ in range(3))
        view = View(Clock(step, many, step / many), Controls(), w, Streams(7))
        found.append(Step(view, Gradient(g, {}, Cost(1.0, 1.0)), u, w))
    return found


def test_gains_commute_and_a_limiter_and_a_gain_do_not():
    assert commutator(Gain(2.0), Gain(0.25), steps()) == 0.0
    assert commutator(Limiter(ceiling=0.1), Gain(4.0), steps()) > 0.1
    assert commutator(Limiter(ceiling=math.inf), Gain(4.0), steps()) == 0.0


def test_a_limiter_and_a_gain_by_hand():
    """Both above the ceiling c: the gain behind it has its way, that before it does not."""
    (step,) = steps(1)
    apart = commutator(Gain(4.0), Limiter(ceiling=1e-3), [step])
    assert apart == pytest.approx(3.0, rel=1e-5)  # |c - 4 c| / c
    assert commutator(Limiter(ceiling=1e-3), Gain(4.0), [step]) == pytest.approx(0.75, rel=1e-5)


def test_effects_of_different_moments_commute():
    assert commutator(Saturation(drive=1.0), Limiter(ceiling=0.01), steps()) == 0.0


def test_states_are_fresh_and_draws_are_shared():
    """Each order counts its own calls, and draws what the other draws."""
    assert commutator(Counting(), Counting(), steps()) == 0.0
    assert commutator(Noisy(), Gain(2.0), steps()) == 0.0
    assert commutator(Counting(), Gain(2.0), steps()) > 0.0


def test_two_wrapped_rules_are_not_seen():
    assert math.isnan(commutator(SharpnessAware(), SharpnessAware(rho=0.1), steps()))
    assert commutator(SharpnessAware(), Gain(2.0), steps()) == 0.0


def test_a_closed_step_counts_as_zero():
    class Closing(Effect):
        def on_gradients(self, gradient, state, view):
            small = sum(g.norm() for g in gradient.grads.values()) < 8.0
            return (Gradient({}, {}, gradient.cost, closed=True) if small else gradient), state

    assert commutator(Closing(), Gain(1024.0), steps()) > 0.5


def test_every_pair_the_worst_first():
    chain = Chain({"a": Gain(2.0), "limiter": Limiter(ceiling=1e-3), "b": Gain(4.0)})
    found = commutators(chain, steps())
    assert list(found) == [("limiter", "b"), ("a", "limiter"), ("a", "b")] or list(found) == [
        ("a", "limiter"), ("limiter", "b"), ("a", "b"),
    ]  # fmt: skip
    assert found[("a", "b")] == 0.0
