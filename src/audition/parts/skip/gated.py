"""Gated skips: each token decides how much it takes again of what an earlier block added.

Shape suffixes: B batch, T places, C channels (the width).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional as F

from audition.parts.dims import Dims
from audition.parts.initial import Constant, parameter
from audition.parts.skip.paths import BranchPaths, check_span


@dataclass(frozen=True, kw_only=True)
class Gated:
    """y = x + σ(w·x + b) · o, where o is what the block `span` blocks earlier added to the stream.

    One gate a token and block, as in highway networks (Srivastava et al. 2015), with w zero at
    first. A gate that is shut for good (b → -∞) leaves the model without it. Costs `width + 1`
    parameters for each block after the first `span`.

    Raises AuditionError for a span that no two blocks have.
    """

    active: ClassVar = {"span": 1}

    span: Annotated[int, Ge(1)] = 2
    """Blocks from the one whose output is taken to the one that reads it."""
    bias: float = -4.0
    """Of every gate at first: σ(-4) = 0.018."""

    def __call__(self, dims: Dims) -> "GatedPaths":
        check_span(self.span, dims.layers)
        return GatedPaths(dims, self)


class Gate(nn.Module):
    """σ(w·x + b), one number a token."""

    def __init__(self, width: int, bias: float) -> None:
        super().__init__()
        self.weight = parameter(width, init=Constant(0.0), role="vector")
        self.bias = parameter(1, init=Constant(bias), role="vector")

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] to [B, T, 1]."""
        return torch.sigmoid(F.linear(x, self.weight.unsqueeze(0), self.bias))


class GatedPaths(BranchPaths):
    """A gate for every block that has one `span` blocks before it."""

    def __init__(self, dims: Dims, policy: Gated) -> None:
        super().__init__()
        self.span = policy.span
        many = dims.layers - policy.span
        self.gates = nn.ModuleList(Gate(dims.width, policy.bias) for _ in range(many))

    def enter(self, layer: int, x: Tensor, added: Sequence[Tensor]) -> Tensor:
        source = layer - self.span
        return x if source < 0 else x + self.gates[source](x) * added[source]
