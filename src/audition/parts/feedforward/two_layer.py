"""The feed-forward map every variant shares: widen, bend, narrow."""

from torch import Tensor, nn

from audition.parts.linear import Linear


class TwoLayer(nn.Module):
    """`down(activation(up(x)))`; a variant says what its activation is.

    A hidden unit is a row of `up`, its bias, and a column of `down`: apoptosis relies on the names.
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

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.hidden(x))  # type: ignore[no-any-return]
