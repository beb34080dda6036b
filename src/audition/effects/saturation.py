"""Saturation: gradient entries are bent towards a ceiling that follows each tensor's own level."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Gt, Le
from torch import Tensor

from audition.recipe import tree
from audition.recipe.effect import Effect, Meters
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View


@dataclass(frozen=True, kw_only=True)
class Saturation(Effect):
    """g becomes c tanh(g / c) with c = drive x rms(g), tensor by tensor.

    The slope at 0 is 1 and no entry exceeds c; since c follows the level, the curve is the same for
    a gradient of any scale. An infinite drive is the exact identity.

    Meters: `bent`, one minus the mean slope of the curve over all entries (0: none is bent, 1: all
    are at the ceiling); `gain`, the mean over tensors of their norm after to before.
    """

    sharded: ClassVar[bool] = True
    neutral: ClassVar[Mapping[str, object]] = {"drive": inf}

    drive: Annotated[float, Gt(0), Le(inf)] = 3.0
    """Ceiling, in units of the tensor's root mean square."""

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if self.drive == inf or gradient.closed:
            return gradient, state
        bent, lengths = saturate(gradient.grads, self.drive)
        sizes = [x.numel() for x in bent.values()]
        return gradient.with_grads(bent), {"lengths": lengths, "sizes": sizes}

    def meters(self, state: Any) -> Meters:
        if state is None:
            return {}
        lengths = state["lengths"]  # [K] of the last step
        sizes = torch.tensor(state["sizes"]).to(lengths)  # [K]
        gains = (self.drive * lengths / sizes.sqrt())[lengths > 0]  # a zero gradient has none
        return {"bent": lengths.square().sum() / sizes.sum(), "gain": gains.mean()}


def saturate(grads: Tensors, drive: float) -> tuple[Tensors, Tensor]:
    """c tanh(x / c) with c = drive x rms(x), tensor by tensor; zeros stay as they are.

    Also the norms [K] of tanh(x / c): the curve's slope at x is 1 - tanh²(x / c), so that they say
    how far it is bent, and to what share of its norm a tensor comes.
    """
    ceilings = drive * tree.root_mean_squares(grads)  # [K]
    tiny = torch.finfo(ceilings.dtype).tiny
    bent = tree.tanh_(tree.divide(grads, ceilings.clamp(min=tiny)))
    lengths = tree.norms(bent)
    return tree.scale_(bent, ceilings), lengths
