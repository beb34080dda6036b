"""Progressive quantization: the model computes with weights of fewer and fewer bits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Interval
from torch import Tensor

from audition.errors import AuditionError
from audition.recipe.effect import Effect, Meters
from audition.recipe.gradient import placed
from audition.recipe.problem import Gradient, GradientRule, Problem
from audition.recipe.signals import Tensors, View

WHOLE = 32
"""Bits of a weight that is left as it is."""


@dataclass(frozen=True, kw_only=True)
class Quantization(Effect):
    """Gradients are taken, and evaluations made, at weights rounded to `bits`, fewer from each start.

    Of every matrix, each row (output channel) has a scale of its own, D = max|w| / (2^(b-1) - 1), and
    becomes D round(w / D): the symmetric quantizer of Jacob et al. 2018, "Quantization and Training
    of Neural Networks for Efficient Integer-Arithmetic-Only Inference". The gradient there is that of
    the weights (straight-through: Bengio et al. 2013); as nothing lies beyond the outer levels, no
    entry's gradient is masked. The optimizer keeps and changes the weights in full precision, so small
    updates add up. Vectors (gains, biases) stay whole, and 32 bits are the exact identity.

    Memory: the rounded weights within a step and within an evaluation.

    Meters: `bits`.
    """

    of_live: ClassVar[bool] = True  # evaluation sees a function of the live weights alone
    neutral: ClassVar[dict[str, object]] = {"bits": [32], "starts": [0.0]}
    active: ClassVar[dict[str, object]] = {"bits": [8, 4], "starts": [0.0, 0.5]}

    bits: tuple[Annotated[int, Interval(ge=2, le=32)], ...] = (16, 8, 4)
    """Bits of a weight, from each start on."""
    starts: tuple[Annotated[float, Interval(ge=0, lt=1)], ...] = (0.0, 0.5, 0.75)
    """Shares of the budget at which they begin, rising; before the first, weights are whole."""

    def __post_init__(self) -> None:
        if len(self.bits) != len(self.starts):
            raise AuditionError(
                f"quantization has {len(self.bits)} bits and {len(self.starts)} starts: give each of "
                f"bits={list(self.bits)} a start"
            )
        if any(a >= b for a, b in zip(self.starts, self.starts[1:], strict=False)):
            raise AuditionError(f"starts={list(self.starts)} of quantization do not rise")

    def moments(self) -> frozenset[str]:
        return super().moments() if any(b < WHOLE for b in self.bits) else frozenset()

    def at(self, spent: float) -> int:
        """The bits of a weight once this share of the budget is spent."""
        begun = [b for b, s in zip(self.bits, self.starts, strict=True) if spent >= s]
        return begun[-1] if begun else WHOLE

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        bits = self.at(view.clock.fraction)

        def rounded(problem: Problem) -> Gradient:
            with placed(problem.params, quantized(problem.params, bits)):
                return rule(problem)

        return (rounded if bits < WHOLE else rule), {"bits": float(bits)}

    def on_evaluation(self, params: Tensors, state: Any, view: View) -> Tensors:
        return {**params, **quantized(params, self.at(view.clock.fraction))}

    def meters(self, state: Mapping[str, float] | None) -> Meters:
        return state or {}


def quantized(params: Tensors, bits: int) -> dict[str, Tensor]:
    """The matrices of `params` at `bits` a weight, detached; none of them at 32 bits."""
    if bits >= WHOLE:
        return {}
    return {name: rows_to(p.detach(), bits) for name, p in params.items() if p.ndim > 1}


def rows_to(weight: Tensor, bits: int) -> Tensor:
    """`weight` [rows, ...] with each row on a grid of 2^bits - 1 levels that ends at its largest entry.

    No entry moves by more than half a step of its row's grid.

    Examples:
        >>> rows_to(torch.tensor([[0.2, -3.0, 1.4], [0.0, 0.0, 0.0]]), 3)
        tensor([[ 0., -3.,  1.],
                [ 0.,  0.,  0.]])
    """
    outer = 2 ** (bits - 1) - 1
    rows = weight.flatten(1)
    largest = rows.abs().amax(dim=1, keepdim=True)  # [rows, 1]
    step = (largest / outer).clamp(min=torch.finfo(weight.dtype).tiny)
    rounded: Tensor = (rows / step).round().clamp(-outer, outer) * step
    return rounded.view_as(weight)
