"""The residual networks for small pictures (He et al. 2016, section 4.2): ResNet-20 and its kin."""

from typing import Annotated, Literal

from annotated_types import Ge, Interval
from torch import Tensor, nn
from torch.nn import functional as F

from audition.parts.batch_norm import BatchNorm
from audition.parts.dropout import Dropout
from audition.parts.initial import Normal, parameter
from audition.parts.pictures import check_pictures
from audition.recipe.batches import Shape


class ResNet(nn.Module):
    """Pictures [B, C, H, W] to logits [B, V]: a convolution, three stages of blocks, mean, head.

    A stage has `blocks` blocks of two 3 x 3 convolutions, each followed by batch norm; the second
    and the third stage halve the sides and double the channels. With three blocks of a stage it is
    ResNet-20: 269,722 parameters on pictures in colour and ten classes, 272,474 with
    `shortcuts=maps`. Kernels start as He et al. 2015 draw them, N(0, 2 / fan-in).

    Args:
        shape: of the pictures and the answers.
        width: channels of the first stage.
        blocks: of each stage; 3, 5, 7, 9 and 18 are the 20, 32, 44, 56 and 110 layers of the paper.
        shortcuts: where the shape changes: every second place, and zeros for the new channels
            (`free`, the paper's A), or a 1 x 1 convolution with batch norm (`maps`, its B).
        dropout: rate before the head.

    Examples:
        >>> from audition import Shape
        >>> sum(p.numel() for p in ResNet(Shape((3, 32, 32), 10)).parameters())
        269722
    """

    def __init__(
        self,
        shape: Shape,
        *,
        width: Annotated[int, Ge(1)] = 16,
        blocks: Annotated[int, Interval(ge=1, le=200)] = 3,
        shortcuts: Literal["free", "maps"] = "free",
        dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__()
        check_pictures(shape, least=1)
        self.first = Convolution(shape.inputs[0], width)
        self.norm = BatchNorm(width)
        widths = [width * 2**stage for stage in range(3) for _ in range(blocks)]
        self.blocks = nn.ModuleList(
            Block(a, b, maps=shortcuts == "maps")
            for a, b in zip([width, *widths], widths, strict=False)
        )
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(widths[-1], shape.outputs)

    def features(self, inputs: Tensor) -> Tensor:
        """What the head reads, [B, 4 width]."""
        x = F.relu(self.norm(self.first(inputs)))
        for block in self.blocks:
            x = block(x)
        return self.dropout(x.mean((2, 3)))  # type: ignore[no-any-return]

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.features(inputs))  # type: ignore[no-any-return]


class Convolution(nn.Module):
    """A 3 x 3, or other odd, kernel without a bias that keeps the sides, or halves them."""

    def __init__(self, inputs: int, outputs: int, side: int = 3, stride: int = 1) -> None:
        super().__init__()
        std = (2 / (inputs * side**2)) ** 0.5
        self.weight = parameter(outputs, inputs, side, side, init=Normal(std), role="matrix")
        self.stride, self.padding = stride, side // 2

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, stride=self.stride, padding=self.padding)


class Block(nn.Module):
    """Two convolutions beside a shortcut, from `inputs` to `outputs` channels."""

    def __init__(self, inputs: int, outputs: int, *, maps: bool) -> None:
        super().__init__()
        self.stride = 1 if inputs == outputs else 2
        self.up = Convolution(inputs, outputs, stride=self.stride)
        self.up_norm = BatchNorm(outputs)
        self.out = Convolution(outputs, outputs)
        self.out_norm = BatchNorm(outputs)
        self.more = outputs - inputs  # channels
        mapped = maps and self.more
        self.shortcut = Convolution(inputs, outputs, 1, self.stride) if mapped else None
        self.shortcut_norm = BatchNorm(outputs) if mapped else None

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.up_norm(self.up(x)))
        return F.relu(self.out_norm(self.out(inner)) + self._beside(x))

    def _beside(self, x: Tensor) -> Tensor:
        if self.shortcut is not None and self.shortcut_norm is not None:
            return self.shortcut_norm(self.shortcut(x))  # type: ignore[no-any-return]
        if not self.more:
            return x
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.more))
