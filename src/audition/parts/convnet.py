"""A small convolutional network: three strided convolutions with group norm, then mean pooling."""

from typing import Annotated

from annotated_types import Ge, Interval
from torch import Tensor, nn
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.parts.dropout import Dropout
from audition.parts.pictures import check_pictures
from audition.recipe.batches import Shape

GROUPS = 8
"""Of each group norm. It keeps no running statistics, so pieces of a batch are normed as the whole."""


class ConvNet(nn.Module):
    """Pictures [B, C, H, W] to logits [B, V].

    Kernels 4 x 4, 3 x 3 and 3 x 3 without biases, each at stride 2, to `width`, 2 `width` and
    4 `width` channels, each followed by group norm and ReLU; the mean over all places goes into the
    head. With 32 channels and grey pictures in ten classes it has 94,410 parameters.

    Args:
        shape: of the pictures and the answers.
        width: channels after the first convolution; a multiple of eight, for the group norm.
        dropout: rate before the head.

    Raises AuditionError for rows that are no pictures or too small, and widths that no group fits.
    """

    def __init__(
        self,
        shape: Shape,
        *,
        width: Annotated[int, Ge(8)] = 32,
        dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__()
        check_pictures(shape, least=1)
        if width % GROUPS:
            raise AuditionError(f"width={width} must be a multiple of {GROUPS}, for the group norm")
        channels = (shape.inputs[0], width, 2 * width, 4 * width)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, kernel, stride=2, padding=1, bias=False)
            for a, b, kernel in zip(channels, channels[1:], (4, 3, 3), strict=False)
        )
        self.norms = nn.ModuleList(nn.GroupNorm(GROUPS, many) for many in channels[1:])
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(channels[-1], shape.outputs)

    def features(self, inputs: Tensor) -> Tensor:
        """What the head reads, [B, 4 width]."""
        x = inputs
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = F.relu(norm(convolution(x)))
        return self.dropout(x.mean((2, 3)))  # type: ignore[no-any-return]

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.features(inputs))  # type: ignore[no-any-return]
