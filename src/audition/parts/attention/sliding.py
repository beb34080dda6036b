"""Sliding attention: every token looks at itself and at the few tokens just before."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from audition.parts.attention.causal import CausalAttention
from audition.parts.attention.kernels import attend
from audition.parts.norm.policy import Norm


class SlidingAttention(CausalAttention):
    """Causal attention over a window; layers stacked see `layers * (window - 1)` tokens back.

    Args:
        window: tokens that a token sees, itself included.
        kv_heads: heads of keys and values, each shared by heads / kv_heads queries; null is heads.
        fused_qkv: one joint parameter for queries, keys and values instead of three.
    """

    neutral: ClassVar[Mapping[str, object]] = {}
    active: ClassVar[Mapping[str, object]] = {"window": 4}

    def __init__(
        self,
        width: int,
        heads: int,
        context: int,
        norm: Norm,
        dropout: float = 0.0,
        bias: bool = False,
        *,
        window: Annotated[int, Ge(1)] = 32,
        kv_heads: Annotated[int, Ge(1)] | None = None,
        fused_qkv: bool = False,
    ) -> None:
        super().__init__(
            width, heads, context, norm, dropout, bias, kv_heads=kv_heads, fused_qkv=fused_qkv
        )
        self.window = window

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        places = torch.arange(q.shape[2], device=q.device)
        back = places[:, None] - places[None, :]  # [T, T] how far a key lies behind its query
        seen = (back >= 0) & (back < self.window)
        return attend(q, k, v, seen=seen, dropout=self.dropout.rate)
