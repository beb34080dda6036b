"""Ockham: learn only from what surprises, and stay near what was known before."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from audition.effects.anchor import Anchor
from audition.effects.surprise_gate import SurpriseGate
from audition.recipe.batches import Clock
from audition.recipe.effect import Chain, Effect
from audition.recipe.problem import Cost, Gradient, GradientRule, Problem
from audition.recipe.recipe import Recipe
from audition.recipe.signals import Controls, View

BACKWARD = 2.0
"""What a backward pass costs, in forward passes."""


@dataclass(frozen=True, kw_only=True)
class Ockham:
    """A surprise gate and an anchor that follows; or plain training of as many updates or flops."""

    gate: SurpriseGate
    """Which steps are made; its `rule=chance` is a control."""
    anchor: Anchor
    """What weights are pulled towards."""
    control: Literal["none", "equal_updates", "equal_compute"] = "none"
    """Plain training instead, as long as the gate's updates or its compute go; then it stops."""

    def __call__(self, recipe: Recipe) -> Recipe:
        if self.control == "none":
            return recipe.with_effect("ockham", Chain({"gate": self.gate, "anchor": self.anchor}))

        def sooner(clock: Clock) -> Controls:
            """The whole schedule within the shorter run."""
            share = self.share(clock)
            steps = None if clock.steps is None else max(1, round(share * clock.steps))
            return recipe.schedule(Clock(clock.step, steps, min(1.0, clock.fraction / share)))

        return replace(recipe, schedule=sooner).with_effect("ockham", Stopped(self))

    def share(self, clock: Clock) -> float:
        """The share of the steps that a control makes: what the gate is set to come to.

        With a share u of the steps made, the others have their forward pass alone.
        """
        warm = min(1.0, self.gate.warmup / clock.steps) if clock.steps else 0.0
        updates = warm + (1.0 - warm) * (1.0 - self.gate.quantile)
        if self.control == "equal_updates":
            return updates
        return (1.0 + BACKWARD * updates) / (1.0 + BACKWARD)


class Stopped(Effect):
    """Once a control has made its share of the steps, nothing is computed any more."""

    def __init__(self, settings: Ockham) -> None:
        self.settings = settings

    def init(self, params: Any, streams: Any) -> dict[str, Any]:
        return {}

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        if view.clock.fraction < self.settings.share(view.clock):
            return rule, state

        def nothing(problem: Problem) -> Gradient:
            return Gradient({}, state, Cost(), closed=True)

        return nothing, state

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        return gradient, dict(gradient.terms)
