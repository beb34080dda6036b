"""SwiGLU (Shazeer 2020), the feed-forward map of Llama: a gate through SiLU."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from audition.parts.feedforward.gated import Gated


@dataclass(frozen=True, kw_only=True)
class SwiGLU(Gated):
    """down(silu(gate(x)) · up(x))."""

    def activation(self, x: Tensor) -> Tensor:
        return F.silu(x)
