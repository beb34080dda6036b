"""Limiter: no update may be longer than a share of the weight it changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Gt, Le

from audition.recipe import tree
from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.signals import Tensors, View


@dataclass(frozen=True, kw_only=True)
class Limiter(Effect):
    """Scales an update down to ceiling x max(|weight|, floor), tensor by tensor.

    Works on updates, since Adam would cancel a gain on gradients. The rule is that of adaptive
    gradient clipping (Brock et al. 2021), per tensor. An infinite ceiling is the exact identity.

    Meters: `limited`, the share of tensors whose update was longer; `gain`, the mean over tensors of
    what their update was multiplied by (1: none was limited).
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "norms"
    neutral: ClassVar[Mapping[str, object]] = {"ceiling": inf}

    ceiling: Annotated[float, Gt(0), Le(inf)] = 0.01
    """Longest update, as a share of the weight's norm."""
    floor: Annotated[float, Ge(0)] = 1e-3
    """Norm below which a weight counts as this long, so that zero weights can move."""

    def on_updates(self, updates: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        if self.ceiling == inf:
            return updates, state
        weights = tree.norms({name: view.params[name] for name in updates})  # [K]
        allowed = self.ceiling * weights.clamp(min=self.floor)
        gains = (allowed / tree.norms(updates).clamp(min=1e-30)).clamp(max=1.0)
        return tree.scale(updates, gains), {"gains": gains}

    def meters(self, state: Any) -> Meters:
        if state is None:
            return {}
        gains = state["gains"]  # [K] of the last step
        return {"limited": (gains < 1.0).float().mean(), "gain": gains.mean()}
