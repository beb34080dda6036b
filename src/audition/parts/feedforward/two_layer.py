"""The feed-forward map every variant shares: widen, bend, narrow."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt
from torch import Tensor, nn

from audition.parts.dims import Dims
from audition.parts.linear import Linear
from audition.recipe.units import Part, Units


@dataclass(frozen=True, kw_only=True)
class Widened:
    """A linear map to more units, an activation, and a linear map back."""

    ratio: Annotated[float, Gt(0)] = 4.0
    """Hidden units per channel of the model."""

    def __call__(self, dims: Dims) -> "TwoLayer":
        return TwoLayer(dims, self)

    def hidden_units(self, width: int) -> int:
        """Hidden units in a model of `width` channels."""
        return max(1, round(self.ratio * width))

    def activation(self, x: Tensor) -> Tensor:
        """Elementwise, [..., hidden] to [..., hidden]: what a variant says."""
        return x


class TwoLayer(nn.Module):
    """`down(activation(up(x)))`.

    A hidden unit is a row of each map in `reading`, its bias, and a column of `down`.
    """

    reading: ClassVar[tuple[str, ...]] = ("up",)

    def __init__(self, dims: Dims, policy: Widened) -> None:
        super().__init__()
        hidden = policy.hidden_units(dims.width)
        self.activation = policy.activation
        self.up = Linear(dims.width, hidden, dims.bias)
        self.down = Linear(hidden, dims.width, dims.bias, residual=True)

    def hidden(self, x: Tensor) -> Tensor:
        """[..., C] to the activations [..., hidden] that `down` reads."""
        return self.activation(self.up(x))

    def units(self) -> Units:
        """The hidden units, which apoptosis may replace, add or take away."""
        names = (f"{each}.{name}" for each in self.reading for name in ("weight", "bias"))
        held = dict(self.named_parameters())
        incoming = (Part(name, 0, "incoming") for name in names if name in held)
        parts = (*incoming, Part("down.weight", 1, "outgoing"))
        bias = "down.bias" if "down.bias" in held else ""
        return Units(self.up.weight.shape[0], parts, read_by="down", made_by="up", bias=bias)

    def resized(self, count: int) -> None:
        """Have `count` hidden units from now on: the parameters have them already."""
        for each in self.reading:
            self.get_submodule(each).out_features = count  # type: ignore[assignment]
        self.down.in_features = count

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.hidden(x))  # type: ignore[no-any-return]
