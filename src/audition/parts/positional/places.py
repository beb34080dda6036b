"""The interface of a positional policy, and of the module that it makes."""

from typing import Protocol

from torch import Tensor, nn

from audition.parts.dims import Dims


class Places(nn.Module):
    """One module a model; it may act on the embedded tokens, or on queries and keys, or both.

    Both are the identity here.
    """

    def embed(self, x: Tensor) -> Tensor:
        """[B, T, C] embedded tokens, before the first block."""
        return x

    def rotate(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Queries [B, H, T, D] and keys [B, K, T, D] of any layer, after their norm."""
        return q, k


class Positional(Protocol):
    """Called once a model; an idea may pass its own."""

    def __call__(self, dims: Dims) -> Places:
        """The model's positional module."""
        ...
