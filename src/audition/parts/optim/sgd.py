"""Stochastic gradient descent with momentum."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Interval
from torch.optim import Optimizer

from audition.errors import AuditionError
from audition.parts.stepping.controls import configured
from audition.parts.stepping.groups import Decay, Named, decay_groups, fusible


@dataclass(frozen=True, kw_only=True)
class SGD:
    """Torch's SGD over named parameters; decay is added to the gradient, as ever in SGD.

    Raises AuditionError for Nesterov's step without momentum.
    """

    sharded: ClassVar[bool] = True

    packs: ClassVar[bool] = True

    lr: Annotated[float, Ge(0)] = 0.1962
    """Learning rate at gain 1."""
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.95
    """How slowly the running sum of gradients forgets."""
    nesterov: bool = True
    """Whether the step looks ahead along the momentum."""
    weight_decay: Annotated[float, Ge(0)] = 0.0
    """Share of a decaying weight that is added to its gradient."""
    decay: Decay = "matrices"
    """What decays: all but vectors (norm gains and biases), or everything."""

    def __post_init__(self) -> None:
        if self.nesterov and self.momentum == 0.0:
            raise AuditionError(
                "nesterov=true looks ahead along a momentum, and momentum=0 has none"
            )

    def __call__(self, named: Named) -> Optimizer:
        return configured(
            torch.optim.SGD(
                decay_groups(named, self.weight_decay, self.decay),
                lr=self.lr,
                momentum=self.momentum,
                nesterov=self.nesterov,
                fused=fusible(named),
            )
        )
