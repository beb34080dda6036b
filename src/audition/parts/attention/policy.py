"""The shape of an attention policy: a value that makes the attention of each block."""

from typing import Protocol

from torch import nn

from audition.parts.dims import Dims
from audition.parts.norm.policy import Norm


class Attention(Protocol):
    """Called once a block; an idea hands in its own."""

    def __call__(self, dims: Dims, norm: Norm) -> nn.Module:
        """A module of (x [B, T, C], positional) -> [B, T, C]; `norm` for its queries and keys."""
        ...
