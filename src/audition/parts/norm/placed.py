"""What norms share: where in a block they stand, and whether queries and keys get one."""

from dataclasses import dataclass
from typing import Literal

from torch import nn


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A norm says by `block` what it computes; the model puts it where `placement` says."""

    query_key: bool = False
    """Whether queries and keys are normed too, each head by itself."""
    placement: Literal["pre", "post", "sandwich"] = "pre"
    """Of a half f of a block: "pre" is x + f(norm(x)), "post" is norm(x + f(x)) and has no norm
    before the head (Vaswani et al. 2017), "sandwich" is x + norm(f(norm(x))) (CogView, Gemma 2)."""

    def block(self, width: int) -> nn.Module:
        """A norm over the last axis, of `width` channels: what a variant says."""
        raise NotImplementedError(f"{type(self).__name__} has no norm of its own")

    def query_key_norm(self, head_width: int) -> nn.Module:
        """The norm of one head's queries, or of its keys; the identity where it is off."""
        return self.block(head_width) if self.query_key else nn.Identity()
