"""Adafactor (Shazeer & Stern 2018): Adam whose mean square of a matrix is a row times a column."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor
from torch.optim import Optimizer

from audition.parts.stepping.controls import configured
from audition.parts.stepping.foreach import Foreach, State, decay, own_axes
from audition.parts.stepping.groups import Decay, Named, axes, decay_groups, settings_of


@dataclass(frozen=True, kw_only=True)
class Adafactor:
    """w ← w - lr · max(ε₂, rms(w)) · u / max(1, rms(u) / d), where u = g / √v.

    "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", algorithms 4 and 5. Of a matrix v
    is r cᵀ / mean(r), with r and c the means of g² + ε₁ over columns and over rows; they forget with
    β₂(t) = 1 - t^(-`beta2_decay`), which needs no debiasing. The rate is relative to the weights' own
    size. The paper's fall of the rate by 1/√t is left to the schedule.

    A momentum, which the paper leaves out to save memory, is a mean of the steps u.
    """

    packs: ClassVar[bool] = True

    lr: Annotated[float, Ge(0)] = 5e-2
    """Learning rate at gain 1, as a share of a tensor's root mean square."""
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    """How slowly a mean of the steps forgets; 0 keeps none."""
    beta2_decay: Annotated[float, Interval(gt=0, le=1)] = 0.8
    """How fast the mean of squares comes to remember: β₂ at step t is 1 - t^(-beta2_decay)."""
    eps: tuple[Annotated[float, Gt(0)], Annotated[float, Gt(0)]] = (1e-30, 1e-3)
    """Added to squares, and the least size that a tensor's rate is relative to."""
    clip: Annotated[float, Gt(0)] = 1.0
    """Largest root mean square d of a step before its rate."""
    weight_decay: Annotated[float, Ge(0)] = 0.1
    """Share of a decaying weight that a step at rate 1 takes away."""
    decay: Decay = "matrices"
    """What decays: all but vectors (norm gains and biases), or everything."""

    def __call__(self, named: Named) -> Optimizer:
        groups = decay_groups(named, self.weight_decay, self.decay)
        return configured(Factored(groups, settings_of(self)))


class Factored(Foreach):
    """Adafactor's step; of tensors with more than two axes the last two are factored."""

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> State:
        state: State = {}
        if axes(parameter) >= 2:
            state["row"] = torch.zeros_like(parameter[..., :1])  # [..., R, 1]
            state["column"] = torch.zeros_like(parameter[..., :1, :])  # [..., 1, C]
        else:
            state["square"] = torch.zeros_like(parameter)
        if group["momentum"]:
            state["mean"] = torch.zeros_like(parameter)
        return state

    def move(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], states: list[State]
    ) -> None:
        tiny, least = group["eps"]
        fresh = states[0]["step"] ** -group["beta2_decay"]
        rates = [rms(p, p).clamp_(min=least).mul_(group["lr"]) for p in params]
        decay(params, group)
        for p, grad, rate, state in zip(params, grads, rates, states, strict=True):
            squares = grad.square().add_(tiny)
            if "row" in state:
                row = state["row"].lerp_(squares.mean(-1, keepdim=True), fresh)
                across = state["column"].lerp_(squares.mean(-2, keepdim=True), fresh)
                scale = row.div(row.mean(-2, keepdim=True)).rsqrt_() * across.rsqrt()
            else:
                scale = state["square"].lerp_(squares, fresh).rsqrt()
            step = grad * scale
            step.div_(rms(step, p).div_(group["clip"]).clamp_(min=1.0))
            if "mean" in state:
                step = state["mean"].lerp_(step, 1 - group["momentum"])
            p.sub_(rate * step)


def rms(tensor: Tensor, parameter: Tensor) -> Tensor:
    """The root mean square of a tensor of `parameter`'s shape, or of each of the runs of a pack."""
    if axes(parameter) == 0:
        return tensor.abs()
    return tensor.square().mean(own_axes(parameter), keepdim=True).sqrt_()
