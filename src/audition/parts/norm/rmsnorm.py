"""RMSNorm (Zhang & Sennrich 2019) as a policy: which norm a block, a query and a key get."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt
from torch import Tensor, nn

from audition.parts.initial import Constant, parameter
from audition.parts.norm.placed import Placed


@dataclass(frozen=True, kw_only=True)
class RMSNorm(Placed):
    """Divide by the root of the mean square and multiply by a learned gain."""

    eps: Annotated[float, Gt(0)] = 1.1920928955078125e-07
    """Added to the mean square before the root; the default is torch's own for float32."""

    def block(self, width: int) -> nn.Module:
        """A norm over the last axis, of `width` channels."""
        norm = InItsOwnPrecision(width, self.eps, device="meta")
        norm.weight = parameter(width, init=Constant(1.0), role="vector")
        return norm


class InItsOwnPrecision(nn.RMSNorm):
    """An RMSNorm that computes in its weight's precision, whatever autocast made of its input."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.to(self.weight.dtype))
