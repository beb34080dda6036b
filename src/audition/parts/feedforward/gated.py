"""The feed-forward map with a gate (Shazeer 2020): widen twice, multiply, narrow."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt
from torch import Tensor

from audition.parts.dims import Dims
from audition.parts.feedforward.two_layer import TwoLayer, Widened
from audition.parts.linear import Linear


@dataclass(frozen=True, kw_only=True)
class Gated(Widened):
    """Two linear maps to more units, of which one, through an activation, multiplies the other."""

    ratio: Annotated[float, Gt(0)] = 4.0
    """Hidden units per channel of the two-layer map with as many parameters: having three matrices
    where that has two, a gated map has two thirds of them, 2.67 a channel at 4."""
    multiple: Annotated[int, Ge(1)] = 1
    """Hidden units are rounded to a multiple of this, which is faster on a card (Llama: 256)."""

    def __call__(self, dims: Dims) -> "GatedTwoLayer":
        return GatedTwoLayer(dims, self)

    def hidden_units(self, width: int) -> int:
        return self.multiple * max(1, round(2 * self.ratio * width / (3 * self.multiple)))


class GatedTwoLayer(TwoLayer):
    """`down(activation(gate(x)) * up(x))`.

    A hidden unit is a row of `gate` and the same row of `up`, their biases, and a column of `down`.
    """

    reading: ClassVar[tuple[str, ...]] = ("gate", "up")

    def __init__(self, dims: Dims, policy: Gated) -> None:
        super().__init__(dims, policy)
        self.gate = Linear(dims.width, policy.hidden_units(dims.width), dims.bias)

    def hidden(self, x: Tensor) -> Tensor:
        return self.activation(self.gate(x)) * self.up(x)  # type: ignore[no-any-return]
