"""Full attention: every place looks at every other, as in an encoder; for pictures, not for text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from audition.parts.attention.causal import Causal, CausalAttention
from audition.parts.attention.kernels import by_products, products
from audition.parts.dims import Dims, Norm
from audition.parts.positional.places import Reach


@dataclass(frozen=True, kw_only=True)
class Full(Causal):
    """Multi-head attention to all places (Vaswani et al. 2017, the encoder's).

    A model that predicts the next token refuses it, as each would see the one that is asked for.
    """

    causal: ClassVar[bool] = False
    neutral: ClassVar[Mapping[str, object]] = {}
    active: ClassVar[Mapping[str, object]] = {}

    def __call__(self, dims: Dims, norm: Norm) -> "FullAttention":
        return FullAttention(dims, norm, self)

    def seen(self, q: Tensor, k: Tensor) -> Tensor | None:
        """All of them, [T, T]."""
        return torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=q.device)


class FullAttention(CausalAttention):
    """Without positions that act on scores: those say nothing of places to come."""

    reached_by: ClassVar[frozenset[Reach]] = frozenset({"queries and keys"})

    def attend(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        cap, dropout = self.policy.soft_cap, self.dropout.rate
        if cap is not None or by_products(q):
            return products(q, k, v, seen=self.policy.seen(q, k), cap=cap, dropout=dropout)
        # Without a mask, so that the fused kernels of a card serve it.
        return F.scaled_dot_product_attention(
            q, k, v, dropout_p=dropout, enable_gqa=k.shape[1] != q.shape[1]
        )
