"""Adam (Kingma & Ba 2015): steps by the mean of the gradients over the root of their mean square."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Gt
from torch.optim import Optimizer

from audition.parts.stepping.controls import configured
from audition.parts.stepping.groups import Betas, Decay, Named, decay_groups, fusible


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Torch's Adam over named parameters, in its fused form.

    m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g², w ← w - lr · m̂ / (√v̂ + ε), where the hats divide
    by 1 - βᵗ. Weight decay is added to the gradient (L2), so that it passes through the moments:
    `optimizer=adamw` keeps it out of them.
    """

    sharded: ClassVar[bool] = True

    packs: ClassVar[bool] = True

    lr: Annotated[float, Ge(0)] = 4e-3
    """Learning rate at gain 1."""
    betas: Betas = (0.9, 0.99)
    """How slowly the mean of the gradients and the mean of their squares forget."""
    eps: Annotated[float, Gt(0)] = 1e-8
    """Added to the root of the mean square before the division."""
    weight_decay: Annotated[float, Ge(0)] = 0.0
    """Share of a decaying weight that is added to its gradient."""
    decay: Decay = "matrices"
    """What decays: all but vectors (norm gains and biases), or everything."""

    def __call__(self, named: Named) -> Optimizer:
        return configured(
            torch.optim.Adam(
                decay_groups(named, self.weight_decay, self.decay),
                lr=self.lr,
                betas=self.betas,
                eps=self.eps,
                fused=fusible(named, parted=True),
            )
        )
