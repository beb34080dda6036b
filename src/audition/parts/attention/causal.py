"""Causal attention: every token looks at itself and at all that came before.

Shape suffixes: B batch, T places, C channels, H query heads, K key/value heads, D channels a head.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from audition.parts.attention.heads import Heads
from audition.parts.attention.kernels import attend
from audition.parts.attention.pairs import Pairs, past
from audition.parts.dims import Dims, Norm
from audition.parts.dropout import Dropout
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
    """c of c · tanh(score / c), which keeps scores within ±c (Gemma 2 has 50); null is none. On a CPU
    it takes plain products, which hold all scores in memory."""

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


class CausalAttention(Heads):
    """Attention in the order: project, norm queries and keys, place, attend."""

    reached_by: ClassVar[frozenset[Reach]] = frozenset({"queries and keys", "scores"})

    def __init__(self, dims: Dims, norm: Norm, policy: Causal) -> None:
        super().__init__(dims, norm, policy.kv_heads, policy.fused_qkv)
        self.policy = policy
        self.dropout = Dropout(dims.dropout)

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

    def products(self, places: int) -> int:
        """Operations of scores and of their sums over values, see `parts/flops.py`."""
        return 4 * self.policy.pairs(places).executed * self.sizes[0]

    def forward(self, x: Tensor, positional: Places) -> Tensor:
        """[B, T, C] to [B, T, C]."""
        q, k, v = self.heads(x)
        q, k = positional.rotate(q, k)
        return self.joined(self.attend(q, k, v, positional.bias(x.shape[1])))
