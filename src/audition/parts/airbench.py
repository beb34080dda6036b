"""The network of airbench94 (Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU").

Shape suffixes: B rows of a batch, C channels, N patches, P numbers of a patch.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor, nn
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.parts.batch_norm import BatchNorm
from audition.parts.dropout import Dropout
from audition.parts.initial import Constant, parameter
from audition.parts.pictures import check_pictures
from audition.recipe.batches import Shape

SIDE = 2
"""Of the patches that are whitened."""
LOOKED_AT = 5000
"""Training pictures that the whitening is made from."""
EPSILON = 5e-4
"""Added to the variance of a direction of patches."""


class Airbench(nn.Module):
    """Pictures [B, C, H, W] to logits [B, V]: whitened patches, three groups, max pool, scaled head.

    The first convolution reads 2 x 2 patches along their principal directions, each over its
    standard deviation and once with either sign. Its kernels are made from training pictures and
    never trained; its biases are. A group is convolution, max pool of 2, batch norm without a gain,
    GELU, convolution, batch norm, GELU. With the defaults, in colour and ten classes, there are
    1,971,352 parameters and the 288 numbers of those kernels, which are a buffer: 1,971,640.

    This is the network alone: the rates of the published run (bias x 64, whitening bias for three
    passes), its look-ahead and its views at test are settings of other parts, or not there.

    Args:
        shape: of the pictures and the answers, with the training pictures.
        width: channels of the first group; the others have four times as many.
        divisor: of the logits.
        dropout: rate before the head.

    Raises AuditionError for rows that are no pictures of at least 9 pixels a side.
    """

    def __init__(
        self,
        shape: Shape,
        *,
        width: Annotated[int, Ge(1)] = 64,
        divisor: Annotated[float, Gt(0)] = 9.0,
        dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__()
        check_pictures(shape, least=9)
        if shape.pictures is None:
            raise AuditionError(
                "this model is made from training pictures, and these data show none: choose "
                "another model, e.g. model=resnet20"
            )
        kernels = whitening(shape.pictures.examples(LOOKED_AT))
        self.kernels: Tensor
        self.register_buffer("kernels", kernels)
        self.bias = parameter(len(kernels), init=Constant(0.0), role="vector")
        widths = (len(kernels), width, 4 * width, 4 * width)
        self.groups = nn.ModuleList(Group(a, b) for a, b in pairwise(widths))
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(widths[-1], shape.outputs, bias=False)
        self.divisor = divisor

    def features(self, inputs: Tensor) -> Tensor:
        """What the head reads, [B, 4 width]."""
        x = F.gelu(F.conv2d(inputs, self.kernels, self.bias))
        for group in self.groups:
            x = group(x)
        return self.dropout(x.amax((2, 3)) / self.divisor)  # type: ignore[no-any-return]

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.features(inputs))  # type: ignore[no-any-return]


class Group(nn.Module):
    """Two convolutions with batch norm and GELU, and a max pool after the first."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.up, self.out = Identity(inputs, outputs), Identity(outputs, outputs)
        self.up_norm, self.out_norm = (BatchNorm(outputs, gain=False, epsilon=1e-12) for _ in "io")

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.up_norm(pooled(self.up(x))))
        return F.gelu(self.out_norm(self.out(x)))


def pooled(x: Tensor) -> Tensor:
    """The largest of each 2 x 2 places, [B, C, ⌊H / 2⌋, ⌊W / 2⌋].

    Torch's own max pool adds up its gradients in any order on a card, and equal places share one here.
    """
    tall, wide = x.shape[2] // 2, x.shape[3] // 2
    cells = x[:, :, : 2 * tall, : 2 * wide].reshape(*x.shape[:2], tall, 2, wide, 2)
    return cells.amax((3, 5))


class Identity(nn.Module):
    """A 3 x 3 convolution without a bias that begins by handing its channels on."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = parameter(outputs, inputs, 3, 3, init=HandsOn(), role="matrix")

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, padding=1)


@dataclass(frozen=True)
class HandsOn:
    """The first kernels [C, C, 3, 3] are the identity; what is beyond starts as torch's does."""

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        bound = shape[1:].numel() ** -0.5
        weight = torch.empty(shape).uniform_(-bound, bound, generator=generator)
        nn.init.dirac_(weight[: shape[1]])
        return weight


def whitening(pictures: Tensor) -> Tensor:
    """Kernels [2 P, C, 2, 2] along the principal directions of the patches of [N, C, H, W].

    On those patches the first P outputs have second moments v / (v + EPSILON), v the moment of the
    patches along the direction, and no correlation; the others are their negatives.
    """
    channels = pictures.shape[1]
    total = torch.zeros(channels * SIDE**2, channels * SIDE**2, dtype=torch.float64)
    many = 0
    for few in torch.split(pictures, 256):  # the patches of all would take four times their memory
        patches = F.unfold(few, SIDE).transpose(1, 2).flatten(0, 1).double()  # [N, P]
        total += patches.T @ patches
        many += len(patches)
    moments, directions = torch.linalg.eigh(total / many)
    scaled = (directions / (moments + EPSILON).sqrt()).T.flip(0)  # the largest first
    kernels = scaled.reshape(-1, channels, SIDE, SIDE).float()
    return torch.cat([kernels, -kernels])
