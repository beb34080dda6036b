"""LayerNorm as a policy: which norm a block, a query and a key get."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt
from torch import nn

from audition.parts.initial import Constant, parameter
from audition.parts.norm.placed import Placed


@dataclass(frozen=True, kw_only=True)
class LayerNorm(Placed):
    """Subtract the mean, divide by the standard deviation, multiply by a learned gain."""

    eps: Annotated[float, Gt(0)] = 1e-5
    """Added to the variance before the square root."""
    bias: bool = False
    """Whether a learned offset is added."""

    def block(self, width: int) -> nn.Module:
        """A norm over the last axis, of `width` channels."""
        norm = nn.LayerNorm(width, self.eps, bias=self.bias, device="meta")
        norm.weight = parameter(width, init=Constant(1.0), role="vector")
        if self.bias:
            norm.bias = parameter(width, init=Constant(0.0), role="vector")
        return norm
