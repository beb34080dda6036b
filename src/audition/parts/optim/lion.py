"""Lion (Chen et al. 2023): steps of one size in every entry, by the sign of a mean of gradients."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor
from torch.optim import Optimizer

from audition.parts.stepping.controls import configured
from audition.parts.stepping.foreach import Foreach, State, column, decay, each, mean_in
from audition.parts.stepping.groups import Betas, Decay, Named, decay_groups, settings_of


@dataclass(frozen=True, kw_only=True)
class Lion:
    """w ← w - lr (sign(β₁ m + (1 - β₁) g) + λ w), then m ← β₂ m + (1 - β₂) g.

    "Symbolic Discovery of Optimization Algorithms", algorithm 2. It remembers half of what Adam
    does. A rate of a third to a tenth of AdamW's, and a decay larger by as much, keeps the shares
    that a step moves and takes away.
    """

    sharded: ClassVar[bool] = True

    packs: ClassVar[bool] = True

    lr: Annotated[float, Ge(0)] = 1e-3
    """Learning rate at gain 1: how far every entry moves."""
    betas: Betas = (0.9, 0.99)
    """Share of the mean in a step's direction, and how slowly the mean forgets."""
    weight_decay: Annotated[float, Ge(0)] = 0.4
    """Share of a decaying weight that a step at rate 1 takes away."""
    decay: Decay = "matrices"
    """What decays: all but vectors (norm gains and biases), or everything."""

    def __call__(self, named: Named) -> Optimizer:
        groups = decay_groups(named, self.weight_decay, self.decay)
        return configured(SignSteps(groups, settings_of(self)))


class SignSteps(Foreach):
    """Lion's step."""

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> State:
        return {"exp_avg": torch.zeros_like(parameter)}

    def move(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], states: list[State]
    ) -> None:
        means, (beta1, beta2) = column(states, "exp_avg"), group["betas"]
        signs = each._foreach_lerp(means, grads, 1 - beta1)
        each._foreach_sign_(signs)
        decay(params, group)
        each._foreach_add_(params, signs, alpha=-group["lr"])
        mean_in(means, grads, beta2)
