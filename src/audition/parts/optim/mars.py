"""MARS (Yuan et al. 2024): AdamW on gradients that are corrected by how they changed."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Gt
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
    own_axes,
    roots,
    square_in,
)
from audition.parts.stepping.groups import Betas, Decay, Named, decay_groups, settings_of


@dataclass(frozen=True, kw_only=True)
class MARS:
    """AdamW on c = g + γ β₁/(1 - β₁) (g - g₋₁), shortened to a norm of at most 1 in every tensor.

    "MARS: Unleashing the Power of Variance Reduction for Training Large Models", algorithm 2 in its
    approximate form, which its authors train with: g₋₁ is the last step's gradient, of another batch.
    The exact form asks for it on this batch at the last weights, at the cost of a second pass.
    """

    packs: ClassVar[bool] = True

    lr: Annotated[float, Ge(0)] = 1e-2
    """Learning rate at gain 1."""
    betas: Betas = (0.95, 0.99)
    """How slowly the mean of the corrected gradients and the mean of their squares forget."""
    gamma: Annotated[float, Ge(0)] = 0.025
    """How strongly a gradient is corrected; at 0 it is AdamW on gradients of norm 1 at most."""
    eps: Annotated[float, Gt(0)] = 1e-8
    """Added to the root of the mean square before the division."""
    weight_decay: Annotated[float, Ge(0)] = 0.1
    """Share of a decaying weight that a step at rate 1 takes away."""
    decay: Decay = "matrices"
    """What decays: all but vectors (norm gains and biases), or everything."""

    def __call__(self, named: Named) -> Optimizer:
        groups = decay_groups(named, self.weight_decay, self.decay)
        return configured(Corrected(groups, settings_of(self)))


class Corrected(Foreach):
    """MARS-AdamW's step."""

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> State:
        # The weights before the first step are the first weights, so nothing is corrected there.
        assert parameter.grad is not None
        return {
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
            "last_grad": parameter.grad.clone(),
        }

    def move(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], states: list[State]
    ) -> None:
        (beta1, beta2), step = group["betas"], states[0]["step"]
        means, squares = column(states, "exp_avg"), column(states, "exp_avg_sq")
        last = column(states, "last_grad")
        corrected = each._foreach_sub(grads, last)
        each._foreach_mul_(corrected, group["gamma"] * beta1 / (1 - beta1))
        each._foreach_add_(corrected, grads)
        each._foreach_copy_(last, grads)
        each._foreach_div_(
            corrected, [excess(c, p) for c, p in zip(corrected, params, strict=True)]
        )
        mean_in(means, corrected, beta1)
        square_in(squares, corrected, beta2)
        steps = each._foreach_div(means, roots(squares, 1 - beta2**step, group["eps"]))
        decay(params, group)
        each._foreach_add_(params, steps, alpha=-group["lr"] / (1 - beta1**step))


def excess(tensor: Tensor, parameter: Tensor) -> Tensor:
    """How many times longer than 1 a tensor of `parameter`'s shape is, at least 1; of every run."""
    norm: Tensor = torch.linalg.vector_norm(tensor, dim=own_axes(parameter) or None, keepdim=True)
    return norm.clamp(min=1.0)
