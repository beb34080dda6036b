"""GeGLU (Shazeer 2020), the feed-forward map of Gemma: a gate through GELU."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from audition.parts.feedforward.gated import Gated


@dataclass(frozen=True, kw_only=True)
class GeGLU(Gated):
    """down(gelu(gate(x)) · up(x))."""

    approximate: Literal["none", "tanh"] = "none"
    """"none" is exact, "tanh" is Gemma's approximation."""

    def activation(self, x: Tensor) -> Tensor:
        return F.gelu(x, approximate=self.approximate)
