"""The feed-forward map every variant shares: widen, bend, narrow."""

from torch import Tensor, nn

from audition.parts.linear import Linear
from audition.recipe.units import Part, Units


class TwoLayer(nn.Module):
    """`down(activation(up(x)))`; a variant says what its activation is.

    A hidden unit is a row of `up`, its bias, and a column of `down`.
    """

    def __init__(self, width: int, bias: bool, ratio: float) -> None:
        super().__init__()
        hidden = max(1, round(ratio * width))
        self.up = Linear(width, hidden, bias)
        self.down = Linear(hidden, width, bias, residual=True)

    def activation(self, x: Tensor) -> Tensor:
        """Elementwise, [..., hidden] to [..., hidden]."""
        return x

    def hidden(self, x: Tensor) -> Tensor:
        """[..., C] to the activations [..., hidden] that `down` reads."""
        return self.activation(self.up(x))

    def units(self) -> Units:
        """The hidden units, which apoptosis may replace, add or take away."""
        incoming = [Part("up.weight", 0, "incoming")]
        if self.up.bias is not None:
            incoming.append(Part("up.bias", 0, "incoming"))
        parts = (*incoming, Part("down.weight", 1, "outgoing"))
        return Units(self.up.weight.shape[0], parts, read_by="down")

    def resized(self, count: int) -> None:
        """Have `count` hidden units from now on: the parameters have them already."""
        self.up.out_features = self.down.in_features = count

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.hidden(x))  # type: ignore[no-any-return]
