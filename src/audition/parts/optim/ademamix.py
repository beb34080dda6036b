"""AdEMAMix (Pagliardini et al. 2024): Adam with a second, much slower mean of the gradients."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor
from torch.optim import Optimizer

from audition.parts.stepping.controls import configured
from audition.parts.stepping.foreach import (
    Foreach,
    State,
    column,
    decay,
    each,
    mean_in,
    roots,
    square_in,
)
from audition.parts.stepping.groups import Decay, Named, decay_groups, settings_of


@dataclass(frozen=True, kw_only=True)
class AdEMAMix:
    """w ← w - lr ((m̂₁ + α m₂) / (√v̂ + ε) + λ w), where m₂ forgets with β₃ and is not debiased.

    "The AdEMAMix Optimizer: Better, Faster, Older", algorithm 1. Over the first `warmup_steps` T, α
    rises by t/T, and β₃ so that the slow mean's half-life rises evenly from that of β₁:
    β₃(t) = exp(ln β₁ ln β₃ / ((1 - t/T) ln β₃ + (t/T) ln β₁)).
    """

    sharded: ClassVar[bool] = True

    packs: ClassVar[bool] = True

    lr: Annotated[float, Ge(0)] = 5e-3
    """Learning rate at gain 1."""
    betas: tuple[
        Annotated[float, Interval(gt=0, lt=1)],
        Annotated[float, Interval(ge=0, lt=1)],
        Annotated[float, Interval(gt=0, lt=1)],
    ] = (0.9, 0.99, 0.999)
    """How slowly the fast mean, the mean of squares and the slow mean forget."""
    alpha: Annotated[float, Ge(0)] = 5.0
    """Weight of the slow mean beside the fast one, once warmed up."""
    warmup_steps: Annotated[int, Ge(0)] = 1302
    """Steps over which alpha and the slow mean's memory rise; the paper takes the whole run."""
    eps: Annotated[float, Gt(0)] = 1e-8
    """Added to the root of the mean square before the division."""
    weight_decay: Annotated[float, Ge(0)] = 0.1
    """Share of a decaying weight that a step at rate 1 takes away."""
    decay: Decay = "matrices"
    """What decays: all but vectors (norm gains and biases), or everything."""

    def __call__(self, named: Named) -> Optimizer:
        groups = decay_groups(named, self.weight_decay, self.decay)
        return configured(TwoMeans(groups, settings_of(self)))


class TwoMeans(Foreach):
    """AdEMAMix's step."""

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> State:
        return {
            name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_slow", "exp_avg_sq")
        }

    def move(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], states: list[State]
    ) -> None:
        (beta1, beta2, beta3), step = group["betas"], states[0]["step"]
        fast, slow = column(states, "exp_avg"), column(states, "exp_avg_slow")
        squares = column(states, "exp_avg_sq")
        warm = min(1.0, step / max(1, group["warmup_steps"]))
        mean_in(fast, grads, beta1)
        mean_in(slow, grads, slow_beta(beta1, beta3, warm))
        square_in(squares, grads, beta2)
        steps = each._foreach_div(fast, 1 - beta1**step)
        each._foreach_add_(steps, slow, alpha=group["alpha"] * warm)
        each._foreach_div_(steps, roots(squares, 1 - beta2**step, group["eps"]))
        decay(params, group)
        each._foreach_add_(params, steps, alpha=-group["lr"])


def slow_beta(start: float, end: float, share: float) -> float:
    """The β between `start` and `end` whose half-life is at `share` of the way between theirs.

    Example:
        >>> round(slow_beta(0.9, 0.999, 0.5), 4)
        0.998
    """
    if start == 0.0 or start >= end:  # a gain on the momentum may set the fast mean above the slow
        return end
    first, last = math.log(start), math.log(end)
    return min(end, math.exp(first * last / ((1 - share) * last + share * first)))
