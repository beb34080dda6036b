"""Anchor: weights are pulled towards a copy of themselves that follows only now and then."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge, Interval

from audition.recipe import tree
from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.surprise import loss_of
from audition.recipe.units import Resize


@dataclass(frozen=True, kw_only=True)
class Anchor(Effect):
    """g ← g + λ (w - a), the gradient of λ/2 ‖w - a‖²; every `every` updates a ← a + rate (w - a).

    a begins as the first weights, as in L2-SP (Li, Grandvalet & Davoine 2018), which is elastic weight
    consolidation (Kirkpatrick et al. 2017) with the identity for its Fisher matrix. On a quadratic loss
    wᵀAw/2 - bᵀw an anchor that stays leads to (A + λI)⁻¹(b + λa), one that follows to the minimum
    itself. λ is `strength` times the gain `anchor` of the step's controls, which a compressor may set.

    Adam scales the pull as it scales the gradient. `acts_on=updates` takes λ times the schedule's gain
    of the distance off the update instead: AdamW's decay, towards a instead of nought, with λ = rate x
    decay. A strength of 0 is the exact identity; with every=1 and rate=1 nothing is pulled either.

    Tells `complexity`, ‖w - a‖² / 2n over the n weights that have gradients, to the effects after it:
    a mean over weights, so that it means the same for models of any size. One AdamW step at a rate of
    1e-3 makes it about 5e-7.

    Memory: a, as large as the weights, in checkpoints too; w - a within a step.

    Meters: `complexity`; `strength`, λ; `consolidations`, how often a has followed.
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "values"
    neutral: ClassVar[Mapping[str, object]] = {"strength": 0.0}
    active: ClassVar[Mapping[str, object]] = {"strength": 0.1, "every": 2}

    strength: Annotated[float, Ge(0)] = 0.01
    """λ at a gain of 1: how strongly weights are pulled."""
    every: Annotated[int, Ge(1)] = 200
    """Updates between two consolidations, at which the anchor follows the weights."""
    rate: Annotated[float, Interval(ge=0, le=1)] = 0.5
    """How far the anchor goes towards the weights then; 0: it stays."""
    when: Literal["always", "flat"] = "always"
    """Whether it goes each time, or only where the loss has stopped falling."""
    flatness: Annotated[float, Ge(0)] = 0.01
    """Of `when=flat`: the mean loss since the last time is not lower than before by this share."""
    acts_on: Literal["gradients", "updates"] = "gradients"
    """What the pull is added to."""

    def moments(self) -> frozenset[str]:
        if self.strength == 0.0:
            return frozenset()
        return super().moments() - ({"on_updates"} if self.acts_on == "gradients" else set())

    def init(self, params: Tensors, streams: Streams) -> dict[str, Any]:
        anchor = tree.clone(params) if self.strength else {}
        return {"anchor": anchor, "updates": 0, "consolidations": 0, "losses": {}}

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if gradient.closed:
            return gradient, state
        pulled = tree.picked(view.params, gradient.grads)
        apart = tree.subtract(pulled, state["anchor"])
        size = sum(x.numel() for x in apart.values())
        complexity = tree.norms(apart).square().sum() / (2 * size)
        strength = self.strength * view.controls.anchor
        after = {**state, "complexity": complexity, "strength": strength}
        if self.when == "flat":
            losses = state["losses"]
            after["losses"] = {**losses, "sum": losses.get("sum", 0.0) + loss_of(gradient)}
        gradient = gradient.telling(complexity=complexity)
        if self.acts_on == "updates":
            return gradient, after
        pull = tree.scale_(apart, strength)
        return gradient.with_grads(tree.add(gradient.grads, pull)), after

    def on_updates(self, updates: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        apart = tree.subtract(tree.picked(view.params, updates), state["anchor"])
        pull = tree.scale_(apart, state["strength"] * view.controls.lr)
        return tree.subtract(updates, pull), state

    def on_weights(self, params: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        state = {**state, "updates": state["updates"] + 1}
        if state["updates"] % self.every:
            return params, state
        if self.when == "always":
            anchor = tree.lerp(state["anchor"], params, self.rate)
            # At a rate of 1 these are the live weights, which are edited in place.
            anchor = tree.clone(anchor) if self.rate == 1.0 else anchor
            return params, {
                **state,
                "anchor": anchor,
                "consolidations": state["consolidations"] + 1,
            }
        return params, self._where_flat(params, state)

    def _where_flat(self, params: Tensors, state: Any) -> Any:
        """The state after a look at the losses; no value is read, so a card is not waited for."""
        mean = state["losses"]["sum"] / self.every
        before = state["losses"].get("mean", torch.full_like(mean, torch.inf))
        flat = (mean >= before - self.flatness * before.abs()).to(mean.dtype)
        way = tree.scale_(tree.subtract(params, state["anchor"]), self.rate * flat)
        return {
            **state,
            "anchor": tree.add(state["anchor"], way),
            "consolidations": state["consolidations"] + flat,
            "losses": {"sum": torch.zeros_like(mean), "mean": mean},
        }

    def on_resize(self, resize: Resize, params: Tensors, state: Any) -> Any:
        """A new unit is anchored where it is born."""
        return {**state, "anchor": resize.follow(state["anchor"], params)}

    def meters(self, state: Any) -> Meters:
        names = ("complexity", "strength")
        found = {name: state[name] for name in names if name in state}
        return {**found, "consolidations": state["consolidations"]} if found else {}
