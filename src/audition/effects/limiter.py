"""Limiter: no update may be longer than a share of the weight it changes."""

from dataclasses import dataclass
from math import inf
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le
from torch import Tensor
from torch.linalg import vector_norm

from audition.recipe.effect import Effect
from audition.recipe.signals import Tensors, View


@dataclass(frozen=True, kw_only=True)
class Limiter(Effect):
    """Scales an update down to ceiling x max(|weight|, floor), tensor by tensor.

    Works on updates, since Adam would cancel a gain on gradients. The rule is that of adaptive
    gradient clipping (Brock et al. 2021), per tensor. An infinite ceiling is the exact identity.
    """

    ceiling: Annotated[float, Gt(0), Le(inf)] = 0.01
    """Longest update, as a share of the weight's norm."""
    floor: Annotated[float, Ge(0)] = 1e-3
    """Norm below which a weight counts as this long, so that zero weights can move."""

    def on_updates(self, updates: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        if self.ceiling == inf:
            return updates, state
        return {n: self._limit(u, view.params[n]) for n, u in updates.items()}, state

    def _limit(self, update: Tensor, weight: Tensor) -> Tensor:
        allowed = self.ceiling * vector_norm(weight).clamp(min=self.floor)
        limited: Tensor = update * (allowed / vector_norm(update).clamp(min=1e-30)).clamp(max=1.0)
        return limited
