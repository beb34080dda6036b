"""Saturation: gradient entries are bent towards a ceiling that follows each tensor's own level."""

from dataclasses import dataclass
from math import inf
from typing import Annotated, Any

import torch
from annotated_types import Gt, Le
from torch import Tensor

from audition.recipe.effect import Effect
from audition.recipe.signals import Gradient, View


@dataclass(frozen=True, kw_only=True)
class Saturation(Effect):
    """g becomes c tanh(g / c) with c = drive x rms(g), tensor by tensor.

    The slope at 0 is 1 and no entry exceeds c; since c follows the level, the curve is the same for
    a gradient of any scale. An infinite drive is the exact identity.
    """

    drive: Annotated[float, Gt(0), Le(inf)] = 3.0
    """Ceiling, in units of the tensor's root mean square."""

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if self.drive == inf:
            return gradient, state
        return gradient.with_grads(
            {n: saturate(g, self.drive) for n, g in gradient.grads.items()}
        ), state


def saturate(x: Tensor, drive: float) -> Tensor:
    """c tanh(x / c) with c = drive x rms(x); a tensor of zeros stays as it is."""
    ceiling = drive * x.square().mean().sqrt()
    tiny = torch.finfo(x.dtype).tiny
    return ceiling * torch.tanh(x / ceiling.clamp(min=tiny))
