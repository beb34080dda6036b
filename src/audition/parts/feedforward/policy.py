"""The shape of a feed-forward policy: a value that makes the feed-forward map of each block."""

from typing import Protocol

from torch import nn

from audition.parts.dims import Dims


class FeedForward(Protocol):
    """Called once a block; an idea hands in its own."""

    def __call__(self, dims: Dims) -> nn.Module:
        """A module of x [B, T, C] -> [B, T, C]."""
        ...
