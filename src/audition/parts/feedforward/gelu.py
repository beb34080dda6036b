"""The feed-forward map of GPT-2: two linear maps with a GELU between them."""

from typing import Annotated, Literal

from annotated_types import Gt
from torch import Tensor
from torch.nn import functional as F

from audition.parts.feedforward.two_layer import TwoLayer


class Gelu(TwoLayer):
    """GELU (Hendrycks & Gimpel 2016) between two linear maps.

    Args:
        ratio: hidden units per channel of the model.
        approximate: "none" is exact, "tanh" is GPT-2's original approximation.
    """

    def __init__(
        self,
        width: int,
        bias: bool = False,
        *,
        ratio: Annotated[float, Gt(0)] = 4.0,
        approximate: Literal["none", "tanh"] = "none",
    ) -> None:
        super().__init__(width, bias, ratio)
        self.approximate = approximate

    def activation(self, x: Tensor) -> Tensor:
        return F.gelu(x, approximate=self.approximate)
