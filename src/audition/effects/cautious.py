"""Cautious updates: an entry moves only where the update and this step's gradient agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Interval

from audition.recipe import tree
from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View


@dataclass(frozen=True, kw_only=True)
class Cautious(Effect):
    """u ← u ∘ φ / max(mean(φ), floor), φ = 1 where u goes down this step's gradient, tensor by tensor.

    Liang et al. 2024, "Cautious Optimizers: Improving Training with One Line of Code", algorithm 1 and
    its code, over any optimizer: it masks what momentum still moves against the gradient, and the
    entries that are left take the length of those that are not. u is the whole change of the weights,
    weight decay included, which the paper's code applies to all entries: `optimizer.weight_decay=0` is
    exactly the paper's.

    Memory: a copy of the gradients within a step.

    Meters: `kept`, the mean over tensors of the share of entries that moved.
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "entries"

    floor: Annotated[float, Interval(gt=0, le=1)] = 1e-3
    """Least share of entries by which the others are lengthened."""

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        return gradient, {"grads": tree.clone(gradient.grads)}

    def on_updates(self, updates: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        grads = state["grads"]
        masks = {n: (u * grads[n] < 0).to(u.dtype) for n, u in updates.items() if n in grads}
        kept = tree.root_mean_squares(masks).square()  # [K] means, since a mask is its own square
        masked = {name: updates[name] * mask for name, mask in masks.items()}
        after = tree.divide(masked, kept.clamp(min=self.floor))
        return {name: after.get(name, u) for name, u in updates.items()}, {"kept": kept}

    def meters(self, state: Mapping[str, Any] | None) -> Meters:
        return {"kept": state["kept"].mean()} if state and "kept" in state else {}
