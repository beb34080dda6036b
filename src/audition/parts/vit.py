"""A vision transformer (Dosovitskiy et al. 2021): patches of a picture through blocks, then a head.

Shape suffixes: B batch, T places, C channels (the width), V classes, P pixels of a patch.
"""

from typing import Annotated, Literal

import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn

from audition.errors import AuditionError
from audition.parts.dims import Attention, Dims, FeedForward, Norm
from audition.parts.dropout import Dropout
from audition.parts.gpt import ONE_AFTER_ANOTHER, stacked
from audition.parts.initial import Normal, parameter, scale_residuals
from audition.parts.linear import STD, Linear
from audition.parts.pictures import check_pictures
from audition.parts.positional.places import Positional
from audition.parts.skip.paths import Skip
from audition.recipe.batches import Shape


class ViT(nn.Module):
    """Pictures [B, C, H, W] to logits [B, V]: `head(features(inputs))`.

    With `norm.bias=true` and the defaults it has 202,634 parameters on grey pictures of 28 x 28 in
    ten classes; with `bias`, `pool=class`, width 192, 12 layers and patches of 16 on 224 x 224
    pixels in colour and 1,000 classes it is ViT-Ti/16 (5,717,416).

    Args:
        patch: pixels of a side of a patch; must divide the picture's sides.
        layers: blocks in the stack.
        heads: query heads of every attention; must divide the width.
        width: channels of the residual stream.
        dropout: rate on the embedded patches, the attention weights and every block's output.
        bias: whether the blocks' linear maps carry one; the norm has its own setting.
        pool: what the head reads: the mean over all places, or one more place of its own.
        residual_init: "scaled" starts maps into the residual stream at std / √(2 · layers).

    Raises AuditionError for rows that are no pictures, and sizes that do not fit each other.
    """

    def __init__(
        self,
        shape: Shape,
        attention: Attention,
        positional: Positional,
        norm: Norm,
        feedforward: FeedForward,
        skip: Skip = ONE_AFTER_ANOTHER,
        *,
        patch: Annotated[int, Ge(1)] = 4,
        layers: Annotated[int, Interval(ge=1, le=1000)] = 4,
        heads: Annotated[int, Ge(1)] = 4,
        width: Annotated[int, Ge(1)] = 64,
        dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
        bias: bool = False,
        pool: Literal["mean", "class"] = "mean",
        residual_init: Literal["scaled", "plain"] = "scaled",
    ) -> None:
        super().__init__()
        check_pictures(shape, least=1)
        channels, tall, wide = shape.inputs
        if tall % patch or wide % patch:
            raise AuditionError(
                f"model.patch={patch} does not divide pictures of {tall} x {wide} pixels: choose one "
                "that divides both"
            )
        if width % heads:
            raise AuditionError(f"width={width} cannot be split over heads={heads}: it must divide")
        self.patch = patch
        places = (tall // patch) * (wide // patch) + (pool == "class")
        dims = Dims(width, heads, places, dropout, bias, layers=layers)
        self.embedding = Linear(channels * patch**2, width, bias=True)
        self.summary = (
            parameter(1, 1, width, init=Normal(STD), role="embedding") if pool == "class" else None
        )
        self.positional = positional(dims)
        self.dropout = Dropout(dropout)
        self.blocks = stacked(dims, self.positional, norm, attention, feedforward)
        self.skip = skip(dims)
        self.skip.connect(self.blocks)
        self.norm = nn.Identity() if norm.placement == "post" else norm.block(width)
        self.head = Linear(width, shape.outputs, bias=True, role="head")
        if residual_init == "scaled":
            scale_residuals(self.blocks, (2 * layers) ** -0.5)

    def patches(self, inputs: Tensor) -> Tensor:
        """Pictures to [B, T, P], the patches in reading order, a channel after the other in each."""
        cut = inputs.unfold(2, self.patch, self.patch).unfold(3, self.patch, self.patch)
        return cut.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)

    def features(self, inputs: Tensor) -> Tensor:
        """What the head reads, [B, C]."""
        x = self.embedding(self.patches(inputs))
        if self.summary is not None:
            x = torch.cat([self.summary.to(x.dtype).expand(len(x), 1, -1), x], 1)
        x = self.dropout(self.positional.embed(x))
        x = self.norm(self.skip(x, self.blocks, self.positional))
        return x.mean(1) if self.summary is None else x[:, 0]  # type: ignore[no-any-return]

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.features(inputs))  # type: ignore[no-any-return]
