"""What a model gives its parts, its sizes, and what it expects of them: the protocols of its parts."""

from dataclasses import dataclass, replace
from typing import Literal, Protocol

from torch import nn


@dataclass(frozen=True)
class Dims:
    """What a part may know of the model that it is made for, in channels, heads, tokens and blocks.

    A part is a policy: a frozen value of its own settings that is called with these and returns a
    module, anew for each place in the model.

    Examples:
        >>> from audition import Dims
        >>> Dims(width=128, heads=4, context=64, layers=2).at(1).channels
        32
    """

    width: int  # channels of the residual stream
    heads: int  # query heads of every attention
    context: int  # the longest window of tokens
    dropout: float = 0.0
    bias: bool = False  # whether linear maps carry one
    layer: int = 0  # the block that the part is for, from 0; 0 for a part of the whole model
    layers: int = 1

    @property
    def channels(self) -> int:
        """Channels of a head."""
        return self.width // self.heads

    def at(self, layer: int) -> "Dims":
        """The same for the block `layer`."""
        return replace(self, layer=layer)


class Norm(Protocol):
    """Makes every norm of a model; an idea may pass its own."""

    @property
    def placement(self) -> Literal["pre", "post", "sandwich"]:
        """Where in a half of a block they stand, see `parts/norm/placed.py`."""
        ...

    def block(self, width: int) -> nn.Module:
        """A norm over the last axis, of `width` channels."""
        ...

    def query_key_norm(self, head_width: int) -> nn.Module:
        """The norm of one head's queries, or of its keys; the identity where there is none."""
        ...


class Attention(Protocol):
    """Makes the attention of each block; an idea may pass its own."""

    def __call__(self, dims: Dims, norm: Norm) -> nn.Module:
        """A module of (x [B, T, C], positional) -> [B, T, C]; `norm` for its queries and keys."""
        ...


class FeedForward(Protocol):
    """Makes the feed-forward map of each block; an idea may pass its own."""

    def __call__(self, dims: Dims) -> nn.Module:
        """A module of x [B, T, C] -> [B, T, C]."""
        ...
