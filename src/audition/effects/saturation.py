"""Saturation: gradient entries are bent towards a ceiling that follows each tensor's own level."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor

from audition.recipe import tree
from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View

Curve = Literal["tanh", "soft", "cubic"]


@dataclass(frozen=True, kw_only=True)
class Saturation(Effect):
    """g becomes c f(g / c) with c = drive x rms(g), tensor by tensor.

    f(x) is tanh x, x / (1 + |x|) or x - 4/27 x³ (±1 beyond ±1.5). The slope at 0 is 1 and no entry
    exceeds c; since c follows the level, the curve is the same for a gradient of any scale. An
    infinite drive is the exact identity. During a warm-up 1 / drive grows in a straight line from
    nought.

    Meters: `bent`, one minus the mean slope of the curve over all entries (0: none is bent, 1: all
    are at the ceiling); `gain`, the mean over tensors of their norm after to before.
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "entries"
    neutral: ClassVar[Mapping[str, object]] = {"drive": inf}

    drive: Annotated[float, Gt(0), Le(inf)] = 3.0
    """Ceiling, in units of the tensor's root mean square."""
    curve: Curve = "tanh"
    """How entries come to the ceiling: cubic reaches it, soft bends the smallest most."""
    warmup: Annotated[int, Ge(0)] = 0
    """Steps in which the ceiling comes down from infinity."""

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        drive = self.drive_at(view.clock.step)
        if drive == inf or gradient.closed:
            return gradient, state
        bent, lengths, bends = saturate(gradient.grads, drive, self.curve)
        sizes = [x.numel() for x in bent.values()]
        state = {"lengths": lengths, "bends": bends, "sizes": sizes, "drive": drive}
        return gradient.with_grads(bent), state

    def drive_at(self, step: int) -> float:
        """The drive once a warm-up has gone on for that many steps: infinite at its first.

        Examples:
            >>> Saturation(drive=10.0, warmup=10).drive_at(5)
            20.0
        """
        if step >= self.warmup:
            return self.drive
        return self.drive * self.warmup / step if step else inf

    def meters(self, state: Any) -> Meters:
        if state is None:
            return {}
        lengths, bends = state["lengths"], state["bends"]  # [K] of the last step
        sizes = torch.tensor(state["sizes"]).to(lengths)  # [K]
        gains = (state["drive"] * lengths / sizes.sqrt())[lengths > 0]  # a zero gradient has none
        return {"bent": bends.sum() / sizes.sum(), "gain": gains.mean()}


def saturate(grads: Tensors, drive: float, curve: Curve = "tanh") -> tuple[Tensors, Tensor, Tensor]:
    """c f(x / c) with c = drive x rms(x), tensor by tensor; zeros stay as they are.

    Also [K] norms of f(x / c), which say to what share of its norm a tensor comes, and [K] sums over
    the entries of how far the curve is bent there, 1 - f'.
    """
    ceilings = drive * tree.root_mean_squares(grads)  # [K]
    tiny = torch.finfo(ceilings.dtype).tiny
    x = tree.divide(grads, ceilings.clamp(min=tiny))
    if curve == "tanh":  # f' = 1 - f²
        lengths = tree.norms(tree.tanh_(x))
        bends = lengths.square()
    elif curve == "soft":  # f' = (1 - |f|)²
        lengths = tree.norms(tree.soft_(x))
        bends = 2.0 * tree.norms(x, 1) - lengths.square()
    else:  # f' = 1 - 4/9 x²
        bends = 4.0 / 9.0 * tree.norms(tree.clamp_(x, 1.5)).square()
        lengths = tree.norms(tree.cubic_(x))
    return tree.scale_(x, ceilings), lengths, bends
