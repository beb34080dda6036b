"""How much each effect of a chain does: a chain that watches its own members."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from audition.recipe import tree
from audition.recipe.effect import Chain, Effect, Meters, State
from audition.recipe.problem import Gradient, GradientRule
from audition.recipe.signals import Controls, Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.units import Resize

ACTIVITY = "activity"


def watched(chain: Chain) -> Chain:
    """The same chain, each member with a further meter: `NAME/activity`.

    Activity is the mean over the steps so far of ‖out − in‖ / ‖in‖, of that signal on which it is
    largest: gains of the controls, gradients, updates, weights, or the weights for evaluation.
    Whether a wrapped gradient rule changes anything cannot be told from what it is handed, so one
    that wraps it counts as 1.
    """
    return Chain({name: Watched(effect) for name, effect in chain.members.items()})


@dataclass(frozen=True)
class Watched(Effect):
    """An effect, and how much it changes its signals: bit for bit what it is without being watched."""

    effect: Effect

    def moments(self) -> frozenset[str]:
        moments = self.effect.moments()
        return moments | {"on_weights"} if "on_evaluation" in moments else moments

    def init(self, params: Tensors, streams: Streams) -> State:
        return {"own": self.effect.init(params, streams), "changes": {}, "calls": {}}

    def before_batch(self, controls: Controls, state: State, view: View) -> tuple[Controls, State]:
        after, own = self.effect.before_batch(controls, state["own"], view)
        before, now = (torch.tensor(list(vars(c).values())) for c in (controls, after))
        return after, _noted(state, own, "before_batch", (now - before).norm() / before.norm())

    def wrap_gradient(
        self, rule: GradientRule, state: State, view: View
    ) -> tuple[GradientRule, State]:
        after, own = self.effect.wrap_gradient(rule, state["own"], view)
        change = torch.tensor(float(after is not rule))
        return after, _noted(state, own, "wrap_gradient", change)

    def on_gradients(self, gradient: Gradient, state: State, view: View) -> tuple[Gradient, State]:
        after, own = self.effect.on_gradients(gradient, state["own"], view)
        change = (
            torch.tensor(float(after.closed != gradient.closed))
            if after.closed or gradient.closed
            else _change(gradient.grads, after.grads)
        )
        return after, _noted(state, own, "on_gradients", change)

    def on_updates(self, updates: Tensors, state: State, view: View) -> tuple[Tensors, State]:
        after, own = self.effect.on_updates(updates, state["own"], view)
        return after, _noted(state, own, "on_updates", _change(updates, after))

    def on_weights(self, params: Tensors, state: State, view: View) -> tuple[Tensors, State]:
        after, own = self.effect.on_weights(params, state["own"], view)
        state = _noted(state, own, "on_weights", _change(params, after))
        if "on_evaluation" in self.effect.moments():
            seen = self.effect.on_evaluation(after, own, view)
            state = _noted(state, own, "on_evaluation", _change(after, seen))
        return after, state

    def on_evaluation(self, params: Tensors, state: State, view: View) -> Tensors:
        return self.effect.on_evaluation(params, state["own"], view)

    def on_resize(self, resize: Resize, params: Tensors, state: State) -> State:
        return {**state, "own": self.effect.on_resize(resize, params, state["own"])}

    def meters(self, state: State) -> Meters:
        changes: Mapping[str, Tensor] = state["changes"]
        means = [float(total) / state["calls"][moment] for moment, total in changes.items()]
        return {**self.effect.meters(state["own"]), ACTIVITY: max(means, default=0.0)}


def _noted(state: Any, own: State, moment: str, change: Tensor) -> State:
    changes, calls = state["changes"], state["calls"]
    return {
        "own": own,
        "changes": {**changes, moment: changes.get(moment, 0.0) + change},
        "calls": {**calls, moment: calls.get(moment, 0) + 1},
    }


def _change(before: Tensors, after: Tensors) -> Tensor:
    """‖after − before‖ / ‖before‖ over all tensors, those left alone among them."""
    moved = {n: after[n] for n, x in before.items() if n in after and after[n] is not x}
    if not moved:
        return torch.zeros(())
    apart = tree.norms(tree.subtract(moved, before)).square().sum()
    change: Tensor = (apart / tree.norms(before).square().sum().clamp(min=1e-30)).sqrt()
    return change
