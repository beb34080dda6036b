"""The delta rule (Schlag et al. 2021): a matrix of associations, corrected at every token."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor
from torch.nn import functional as F

from audition.parts.attention.chunks import computed, delta_rule
from audition.parts.attention.heads import Heads
from audition.parts.attention.pairs import Pairs, past
from audition.parts.dims import Dims, Norm
from audition.parts.linear import Linear
from audition.parts.positional.places import Places, Reach


@dataclass(frozen=True, kw_only=True)
class Delta:
    """W_t = W_{t-1} + β_t (v_t - W_{t-1} k_t) k_tᵀ and y_t = W_t q_t, where |q_t| = |k_t| = 1.

    β_t = sigmoid(b · x_t), one a head: at 1 the value under k_t is replaced, at 0 it is kept. In
    chunks (DeltaNet, Yang et al. 2024) it is a triangular system and products. Without DeltaNet's
    SiLU, its convolution and its output norm. W is zero before the first token. There are no scores
    to add a bias to. A nano step takes about twice the CPU time of causal attention's in bfloat16,
    which a triangular system lacks: all of it is in float32.
    """

    chunk: Annotated[int, Ge(1)] = 64
    """Tokens whose pairs are computed as one product: decides the speed, and how sums are rounded."""

    def __call__(self, dims: Dims, norm: Norm) -> "DeltaAttention":
        return DeltaAttention(dims, norm, self)

    def pairs(self, places: int) -> Pairs:
        """As many pairs of two keys are computed, too; what is read from W is not among them."""
        return Pairs(past(places), computed(places, self.chunk))


class DeltaAttention(Heads):
    """Project, norm queries and keys, place, scale them to length 1, write and read."""

    reached_by: ClassVar[frozenset[Reach]] = frozenset({"queries and keys"})

    def __init__(self, dims: Dims, norm: Norm, policy: Delta) -> None:
        super().__init__(dims, norm)
        self.rate = Linear(dims.width, dims.heads)
        self.chunk = policy.chunk

    def forward(self, x: Tensor, positional: Places) -> Tensor:
        """[B, T, C] to [B, T, C]."""
        q, k, v = self.heads(x)
        q, k = positional.rotate(q, k)
        rate = self.rate(x).transpose(1, 2)[..., None]  # [B, H, T, 1]
        with torch.autocast(x.device.type, enabled=False):  # a triangular system has no bfloat16
            q, k = (F.normalize(each.float(), dim=-1) for each in (q, k))
            y = delta_rule(q, k, v.float(), rate.float().sigmoid(), self.chunk)
        return self.joined(y)
