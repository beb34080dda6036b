"""AdamW (Loshchilov & Hutter 2019): Adam with weight decay kept out of the moments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

import torch
from annotated_types import Ge, Gt
from torch.optim import Optimizer

from audition.parts.stepping.controls import configured
from audition.parts.stepping.groups import (
    Betas,
    Decay,
    Group,
    Named,
    decay_groups,
    fusible,
    group,
    hidden,
    settings_of,
)
from audition.parts.stepping.together import Together


@dataclass(frozen=True, kw_only=True)
class AdamW:
    """Torch's AdamW over named parameters, in its fused form."""

    sharded: ClassVar[bool] = True

    packs: ClassVar[bool] = True

    lr: Annotated[float, Ge(0)] = 4e-3
    """Learning rate at gain 1."""
    betas: Betas = (0.9, 0.99)
    """How slowly the mean of the gradients and the mean of their squares forget."""
    eps: Annotated[float, Gt(0)] = 1e-8
    """Added to the root of the mean square before the division."""
    weight_decay: Annotated[float, Ge(0)] = 0.1
    """Share of a decaying weight that a step at rate 1 takes away."""
    decay: Decay = "matrices"
    """What decays: all but vectors (norm gains and biases), or everything."""

    def __call__(self, named: Named) -> Optimizer:
        return configured(
            torch.optim.AdamW(
                decay_groups(named, self.weight_decay, self.decay),
                lr=self.lr,
                betas=self.betas,
                eps=self.eps,
                fused=fusible(named, parted=True),
            )
        )


class OfMatrices(Protocol):
    """A policy that moves hidden matrices in its own way, and the rest as AdamW with its settings."""

    @property
    def lr(self) -> float: ...
    @property
    def betas(self) -> tuple[float, float]: ...
    @property
    def eps(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def decay(self) -> Decay: ...


def beside_adamw(
    named: Named, step: Callable[[list[Group], Group], Optimizer], policy: OfMatrices
) -> Optimizer:
    """One optimizer: `step` for hidden matrices, where there are any, AdamW for the rest."""
    matrices, rest = hidden(named)
    members: list[Optimizer] = []
    if matrices:
        groups = [group(matrices, weight_decay=policy.weight_decay)]
        members.append(step(groups, settings_of(policy)))
    if rest:
        adamw = AdamW(
            lr=policy.lr,
            betas=policy.betas,
            eps=policy.eps,
            weight_decay=policy.weight_decay,
            decay=policy.decay,
        )
        members.append(adamw(rest))
    return configured(Together(*members))
