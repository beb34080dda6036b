"""A mixture of experts: each token goes to some of several feed-forward maps (Shazeer et al. 2017).

Shape suffixes: N tokens, C channels, E experts, K experts that a token goes to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Gt
from torch import Tensor, nn
from torch.nn import functional as F

from audition.parts.dims import Dims
from audition.parts.feedforward.geglu import GeGLU
from audition.parts.feedforward.gelu import Gelu
from audition.parts.feedforward.router import Routed, Router
from audition.parts.feedforward.squared_relu import SquaredRelu
from audition.parts.feedforward.swiglu import SwiGLU
from audition.parts.feedforward.two_layer import TwoLayer, Widened

EXPERTS: Mapping[str, type[Widened]] = {
    "gelu": Gelu,
    "squared_relu": SquaredRelu,
    "swiglu": SwiGLU,
    "geglu": GeGLU,
}
"""What an expert may be."""


@dataclass(frozen=True, kw_only=True)
class MixtureOfExperts(Routed):
    """Σ over a token's experts of weight · expert(x). No token is dropped: experts have no capacity.

    With the defaults a token meets as many hidden units as in the two-layer map of ratio 4, and the
    model has four times its parameters. A nano step takes 1.7 to 2.2 times the CPU time of that map's
    for nearly as many products: tokens are sorted by expert, and those of each are a product of their
    own, forward and back, too small to be quick.
    """

    ratio: Annotated[float, Gt(0)] = 2.0
    """Of each expert: hidden units per channel, two thirds of them where it is gated."""
    expert: Literal["gelu", "squared_relu", "swiglu", "geglu"] = "gelu"
    """The feed-forward map that every expert is."""
    dispatch: Literal["grouped", "dense"] = "grouped"
    """"grouped" sorts tokens by expert, "dense" asks every expert about every token, which costs
    experts / top_k times as much, and can be packed and compiled as a whole."""

    def __call__(self, dims: Dims) -> "Mixture":
        return Mixture(dims, self)

    def map(self, dims: Dims, ratio: float) -> TwoLayer:
        """A feed-forward map of the experts' kind."""
        return EXPERTS[self.expert](ratio=ratio)(dims)


class Mixture(nn.Module):
    """A router and its experts, each of which has hidden units of its own."""

    def __init__(self, dims: Dims, policy: MixtureOfExperts) -> None:
        super().__init__()
        self.router = Router(dims.width, policy)
        maps = (policy.map(dims, policy.ratio) for _ in range(policy.experts))
        self.experts = nn.ModuleList(maps)
        self.dispatch = policy.dispatch

    @property
    def unpacked(self) -> str:
        """Why runs that have it cannot be packed; empty where they can."""
        if self.dispatch == "dense":
            return ""
        return "experts get other tokens in each run (unless feedforward.dispatch=dense)"

    def forward(self, x: Tensor) -> Tensor:
        """[..., C] to [..., C]."""
        tokens = x.flatten(0, -2)
        chosen, weights = self.router(tokens)
        mixed = self.grouped if self.dispatch == "grouped" else self.dense
        return mixed(tokens, chosen, weights).view(x.shape)

    def grouped(self, x: Tensor, chosen: Tensor, weights: Tensor) -> Tensor:
        """One call of each expert, on its own tokens; x [N, C], chosen and weights [N, K]."""
        many = chosen.shape[-1]
        order = chosen.flatten().argsort(stable=True)  # [N K] choices, expert by expert
        counts = torch.bincount(chosen.flatten(), minlength=len(self.experts)).tolist()
        rows = torch.split(x.index_select(0, order // many), counts)
        # An expert without tokens is called too: its gradients are zeros, and every process has them.
        # A processor prepares a bfloat16 product anew for every size that it has not met.
        multiple = 32 if self.training and torch.is_autocast_enabled(x.device.type) else 1
        found = [padded(each, own, multiple) for each, own in zip(self.experts, rows, strict=True)]
        y = torch.cat(found).index_select(0, order.argsort()).view(*chosen.shape, -1)  # [N, K, C]
        return (weights.unsqueeze(-1) * y).sum(1)

    def dense(self, x: Tensor, chosen: Tensor, weights: Tensor) -> Tensor:
        """Every expert on all tokens, with weight 0 where it was not chosen."""
        none = weights.new_zeros(len(x), len(self.experts))
        whole = none.scatter(-1, chosen, weights)  # [N, E]
        y = torch.stack([expert(x) for expert in self.experts], 1)  # [N, E, C]
        return (whole.unsqueeze(-1) * y).sum(1)


def padded(expert: nn.Module, x: Tensor, multiple: int) -> Tensor:
    """`expert(x)` for x [N, C], computed on a multiple of rows; the others are zeros, and dropped."""
    spare = -len(x) % multiple
    found: Tensor = expert(F.pad(x, (0, 0, 0, spare)))[: len(x)] if spare else expert(x)
    return found
