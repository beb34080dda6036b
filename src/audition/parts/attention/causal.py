"""Causal attention: every token looks at itself and at all that came before.

Shape suffixes: B batch, T places, C channels, H query heads, K key/value heads, D channels a head.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.parts.attention.kernels import attend
from audition.parts.attention.pairs import Pairs, past
from audition.parts.dims import Dims, Norm
from audition.parts.dropout import Dropout
from audition.parts.linear import Linear
from audition.parts.positional.places import Places, Reach


@dataclass(frozen=True, kw_only=True)
class Causal:
    """Multi-head attention to all earlier tokens."""

    neutral: ClassVar[Mapping[str, object]] = {"kv_heads": None, "soft_cap": None}
    active: ClassVar[Mapping[str, object]] = {"kv_heads": 1}

    kv_heads: Annotated[int, Ge(1)] | None = None
    """Heads of keys and values, each shared by heads / kv_heads queries; null is heads."""
    fused_qkv: bool = False
    """One joint parameter for queries, keys and values instead of three."""
    soft_cap: Annotated[float, Gt(0)] | None = None
    """c of c · tanh(score / c), which keeps scores within ±c (Gemma 2 has 50); null is none."""

    def __call__(self, dims: Dims, norm: Norm) -> "CausalAttention":
        """Raises AuditionError where the heads do not divide the width, or share unevenly."""
        return CausalAttention(dims, norm, self)

    def seen(self, q: Tensor, k: Tensor) -> Tensor | None:
        """Which keys each query sees, of queries [B, H, T, D] and keys [B, K, T, D].

        Bool that broadcasts to [B, H, T, T], rows are queries; None: all up to itself.
        """
        return None

    def pairs(self, places: int) -> Pairs:
        """How many pairs a head has in a window of `places` tokens; see `Pairs`."""
        blank = torch.empty(1, 1, places, 1)
        seen = self.seen(blank, blank)
        return Pairs(past(places) if seen is None else int(seen.sum()), places * places)


class CausalAttention(nn.Module):
    """Attention in the order: project, norm queries and keys, place, attend.

    Queries, keys and values are separate parameters, because an optimizer such as Muon
    orthogonalises each matrix as a whole.
    """

    reached_by: ClassVar[frozenset[Reach]] = frozenset({"queries and keys", "scores"})

    def __init__(self, dims: Dims, norm: Norm, policy: Causal) -> None:
        super().__init__()
        width, heads, kv_heads = dims.width, dims.heads, policy.kv_heads
        shared = heads if kv_heads is None else kv_heads
        if width % heads:
            raise AuditionError(f"width={width} cannot be split over heads={heads}: it must divide")
        if heads % shared:
            raise AuditionError(f"heads={heads} cannot share kv_heads={kv_heads}: it must divide")
        self.policy = policy
        self.channels = dims.channels
        sizes = [width, shared * self.channels, shared * self.channels]
        self.sizes = sizes
        if policy.fused_qkv:
            self.qkv = Linear(width, sum(sizes), dims.bias)
        else:
            self.q, self.k, self.v = (Linear(width, size, dims.bias) for size in sizes)
        self.out = Linear(width, width, dims.bias, residual=True)
        self.q_norm = norm.query_key_norm(self.channels)
        self.k_norm = norm.query_key_norm(self.channels)
        self.dropout = Dropout(dims.dropout)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, T, C] to queries [B, T, H, D] and keys and values [B, T, K, D]."""
        # Three matrices as one product: hooks on q, k or v do not fire, parametrizations do.
        joint = self.qkv(x) if self.policy.fused_qkv else side_by_side(x, self.q, self.k, self.v)
        q, k, v = joint.split(self.sizes, dim=-1)
        heads = (-1, self.channels)
        return q.unflatten(-1, heads), k.unflatten(-1, heads), v.unflatten(-1, heads)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        """Queries [B, H, T, D] over keys and values [B, K, T, D], to [B, H, T, D].

        `bias` is added to the scores and broadcasts to [B, H, T, T].
        """
        return attend(
            q,
            k,
            v,
            seen=self.policy.seen(q, k),
            bias=bias,
            cap=self.policy.soft_cap,
            dropout=self.dropout.rate,
        )

    def forward(self, x: Tensor, positional: Places) -> Tensor:
        """[B, T, C] to [B, T, C]."""
        q, k, v = self.project(x)
        q, k = self.q_norm(q).transpose(1, 2), self.k_norm(k).transpose(1, 2)
        q, k = positional.rotate(q, k)
        y = self.attend(q, k, v.transpose(1, 2), positional.bias(x.shape[1]))  # [B, H, T, D]
        return self.out(y.transpose(1, 2).flatten(-2))  # type: ignore[no-any-return]


def side_by_side(x: Tensor, *maps: nn.Linear) -> Tensor:
    """The outputs of `maps` on x [..., C], concatenated; a matrix product of one larger matrix."""
    weight = torch.cat(tuple(each.weight for each in maps))
    biases = tuple(each.bias for each in maps if each.bias is not None)
    return F.linear(x, weight, torch.cat(biases) if biases else None)
