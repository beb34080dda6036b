"""The feed-forward map of GPT-2: two linear maps with a GELU between them."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from audition.parts.feedforward.two_layer import Widened


@dataclass(frozen=True, kw_only=True)
class Gelu(Widened):
    """GELU (Hendrycks & Gimpel 2016) between two linear maps."""

    approximate: Literal["none", "tanh"] = "none"
    """"none" is exact, "tanh" is GPT-2's original approximation."""

    def activation(self, x: Tensor) -> Tensor:
        return F.gelu(x, approximate=self.approximate)
