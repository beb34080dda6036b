"""The shape of a norm policy: one value that makes every norm of a model."""

from typing import Protocol

from torch import nn


class Norm(Protocol):
    """Makes the norms of a model; an idea hands in its own."""

    def block(self, width: int) -> nn.Module:
        """A norm over the last axis, of `width` channels."""
        ...

    def query_key_norm(self, head_width: int) -> nn.Module:
        """The norm of one head's queries, or of its keys; the identity where there is none."""
        ...
