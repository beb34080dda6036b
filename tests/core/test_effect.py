"""Chains: order, state, streams, the neutral element, and chains within chains."""

from dataclasses import dataclass

import pytest
import torch

from audition.errors import AuditionError
from audition.recipe.batches import Clock
from audition.recipe.effect import STEP, Chain, Effect
from audition.recipe.problem import Cost, Gradient
from audition.recipe.signals import Controls, View
from audition.recipe.streams import Streams

VIEW = View(Clock(0, 1, 0.0), Controls(), {}, Streams(0))
SIGNALS = {
    "before_batch": Controls(),
    "wrap_gradient": lambda problem: problem,
    "on_gradients": Gradient({"w": torch.ones(2)}, {}, Cost()),
    "on_updates": {"w": torch.ones(2)},
    "on_weights": {"w": torch.ones(2)},
}


@dataclass(frozen=True, kw_only=True)
class Line(Effect):
    """u becomes gain * u + shift: two of them rarely commute. Counts its calls."""

    gain: float = 1.0
    shift: float = 0.0

    def init(self, params, streams):
        return {"calls": 0, "number": streams.number("line")}

    def on_updates(self, updates, state, view):
        out = {n: self.gain * u + self.shift for n, u in updates.items()}
        return out, {**state, "calls": state["calls"] + 1, "seen": view.streams.number("line")}


def updated(effect, times=1):
    """(updates, state) after some calls, from ones."""
    state = effect.init({}, VIEW.streams)
    for _ in range(times):
        updates, state = effect.on_updates({"w": torch.ones(2)}, state, VIEW)
    return updates["w"].tolist(), state


DOUBLE, RAISE = Line(gain=2.0), Line(shift=3.0)


def test_order_is_the_order_written():
    assert updated(Chain({"a": DOUBLE, "b": RAISE}))[0] == [5.0, 5.0]
    assert updated(Chain({"b": RAISE, "a": DOUBLE}))[0] == [8.0, 8.0]


@pytest.mark.parametrize("moment", STEP)
@pytest.mark.parametrize("empty", [Effect(), Chain(), Chain({"a": Chain(), "b": Effect()})])
def test_the_neutral_element_hands_the_signal_through(moment, empty):
    assert empty.moments() == frozenset()
    state = empty.init({}, Streams(0))
    signal, after = getattr(empty, moment)(SIGNALS[moment], state, VIEW)
    assert signal is SIGNALS[moment]
    assert after == state
    weights = SIGNALS["on_weights"]
    assert empty.on_evaluation(weights, state, VIEW) is weights
    assert empty.meters(state) == {}


def test_a_neutral_member_changes_nothing():
    lone, padded = Chain({"a": DOUBLE}), Chain({"x": Chain(), "a": DOUBLE, "y": Effect()})
    assert updated(lone)[0] == updated(padded)[0]
    assert updated(lone)[1]["a"] == updated(padded)[1]["a"]


def test_nesting_changes_no_number():
    third = Line(gain=-1.0, shift=0.5)
    flat = Chain({"a": DOUBLE, "b": RAISE, "c": third})
    left = Chain({"ab": Chain({"a": DOUBLE, "b": RAISE}), "c": third})
    right = Chain({"a": DOUBLE, "bc": Chain({"b": RAISE, "c": third})})
    assert updated(flat)[0] == updated(left)[0] == updated(right)[0] == [-4.5, -4.5]
    assert flat.moments() == left.moments() == frozenset({"on_updates"})


def test_each_member_has_its_own_state_and_stream():
    chain = Chain({"a": DOUBLE, "in": Chain({"a": DOUBLE})})
    _, state = updated(chain, times=3)
    assert state["a"]["calls"] == state["in"]["a"]["calls"] == 3
    assert state["a"]["number"] == state["a"]["seen"] == Streams(0).number("a", "line")
    assert state["in"]["a"]["number"] == state["in"]["a"]["seen"]
    assert state["in"]["a"]["number"] == Streams(0).number("in", "a", "line")


def test_meters_are_named_by_the_way_to_their_effect():
    class Metered(Line):
        def meters(self, state):
            return {"calls": state["calls"]}

    chain = Chain({"a": Metered(), "in": Chain({"b": Metered(), "c": DOUBLE})})
    _, state = updated(chain, times=2)
    assert chain.meters(state) == {"a/calls": 2, "in/b/calls": 2}


def test_a_call_leaves_the_state_it_was_given():
    chain = Chain({"a": DOUBLE})
    state = chain.init({}, VIEW.streams)
    chain.on_updates({"w": torch.ones(2)}, state, VIEW)
    assert state == chain.init({}, VIEW.streams)


def test_then_appends_and_keeps_the_original():
    one = Chain().then("a", DOUBLE)
    two = one.then("b", RAISE)
    assert (list(one.members), list(two.members)) == (["a"], ["a", "b"])
    with pytest.raises(AuditionError, match="already has an effect named 'a'"):
        two.then("a", RAISE)


def test_an_effect_is_asked_only_where_it_listens():
    class Refuses(Effect):
        def on_weights(self, params, state, view):
            raise AssertionError

        def moments(self):
            return frozenset()

    chain = Chain({"a": Refuses()})
    assert chain.on_weights(SIGNALS["on_weights"], {"a": None}, VIEW)[1] == {"a": None}
