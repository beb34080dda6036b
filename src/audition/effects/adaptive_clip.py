"""Adaptive clipping: no unit's gradient may be longer than a share of the unit's own weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor

from audition.recipe import tree
from audition.recipe.effect import Effect, Meters
from audition.recipe.problem import Gradient
from audition.recipe.signals import View


@dataclass(frozen=True, kw_only=True)
class AdaptiveClip(Effect):
    """g_i ← g_i min(1, ceiling max(‖w_i‖, floor) / ‖g_i‖) for every unit i, a row of a matrix.

    Brock et al. 2021, "High-Performance Large-Scale Image Recognition Without Normalization",
    equation 3, on all parameters (they leave the last layer out). The unit of a bias or a gain is
    the whole vector. It comes before the optimizer: the limiter does the same to updates, tensor by
    tensor. An infinite ceiling is the exact identity.

    Meters: `limited`, the share of units whose gradient was longer; `gain`, the mean over units of
    what their gradient was multiplied by.
    """

    sharded: ClassVar[bool] = True
    neutral: ClassVar[Mapping[str, object]] = {"ceiling": inf}

    ceiling: Annotated[float, Gt(0), Le(inf)] = 0.01
    """Longest gradient of a unit, as a share of its weights' norm."""
    floor: Annotated[float, Ge(0)] = 1e-3
    """Norm below which a unit's weights count as this long."""

    def moments(self) -> frozenset[str]:
        return super().moments() if self.ceiling < inf else frozenset()

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if gradient.closed:
            return gradient, state
        gains = {
            name: self._gain(unit_norms(grad), unit_norms(view.params[name].detach()))
            for name, grad in gradient.grads.items()
        }
        clipped = {name: grad * gains[name] for name, grad in gradient.grads.items()}
        return gradient.with_grads(clipped), {"gains": gains}

    def _gain(self, length: Tensor, weights: Tensor) -> Tensor:
        allowed = self.ceiling * weights.clamp(min=self.floor)
        return (allowed / length.clamp(min=1e-30)).clamp(max=1.0)

    def meters(self, state: Any) -> Meters:
        if state is None:
            return {}
        gains = torch.cat([tree.whole(each).flatten() for each in state["gains"].values()])
        return {"limited": (gains < 1.0).float().mean(), "gain": gains.mean()}


def unit_norms(x: Tensor) -> Tensor:
    """The norm of every row of a matrix (a filter of a convolution), or that of a whole vector.

    With axes of length 1 in the place of those summed over.

    Examples:
        >>> import torch
        >>> unit_norms(torch.tensor([[3.0, 4.0], [0.0, 2.0]])).tolist()
        [[5.0], [2.0]]
    """
    axes = tuple(range(1, x.ndim)) if x.ndim > 1 else tuple(range(x.ndim))
    norms: Tensor = torch.linalg.vector_norm(x, dim=axes, keepdim=True)
    return norms
