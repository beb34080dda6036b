"""A multi-layer perceptron over flattened rows: what images are compared with first."""

from itertools import pairwise
from math import prod
from typing import Annotated

from annotated_types import Ge, Interval
from torch import Tensor, nn
from torch.nn import functional as F

from audition.parts.dropout import Dropout
from audition.recipe.batches import Shape


class MLP(nn.Module):
    """Rows [B, ...] to logits [B, V]: flattened, `layers` hidden ones with ReLU, and a head.

    Weights start as torch's own Linear does (uniform, by fan-in).

    Args:
        shape: of the rows and the answers.
        layers: hidden layers.
        width: channels of each.
        dropout: rate after each.

    Examples:
        28 x 28 pictures in ten classes: 784·400 + 400 + 400·400 + 400 + 400·10 + 10 parameters.

        >>> from audition import Shape
        >>> sum(p.numel() for p in MLP(Shape((1, 28, 28), 10), width=400).parameters())
        478410
    """

    def __init__(
        self,
        shape: Shape,
        *,
        layers: Annotated[int, Interval(ge=0, le=1000)] = 2,
        width: Annotated[int, Ge(1)] = 128,
        dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__()
        widths = [prod(shape.inputs), *[width] * layers]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(widths[-1], shape.outputs)

    def features(self, inputs: Tensor) -> Tensor:
        """What the head reads, [B, width]."""
        x = inputs.flatten(1).float()
        for layer in self.hidden:
            x = self.dropout(F.relu(layer(x)))
        return x

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.features(inputs))  # type: ignore[no-any-return]
