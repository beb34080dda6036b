"""softmax(q kᵀ / √D) v, by the kernel that is fast and right where it runs.

Shape suffixes: B batch, T places, H query heads, K key/value heads, D channels a head.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

LONGEST_PRODUCTS = 512
"""Places up to which plain products win on a CPU in reduced precision (measured, `make bench`).

Longer ones would also need the whole [B, H, T, T] of scores in memory.
"""


def attend(
    q: Tensor, k: Tensor, v: Tensor, *, seen: Tensor | None = None, dropout: float = 0.0
) -> Tensor:
    """Queries [B, H, T, D] over keys and values [B, K, T, D], to [B, H, T, D].

    Args:
        seen: [T, T] bool, whether a query (row) sees a key (column); None is causal.
        dropout: rate on the attention weights.
    """
    if by_products(q):
        return products(q, k, v, seen=seen, dropout=dropout)
    return F.scaled_dot_product_attention(
        q,
        k,
        v,
        attn_mask=seen,
        is_causal=seen is None,
        dropout_p=dropout,
        enable_gqa=k.shape[1] != q.shape[1],
    )


def by_products(q: Tensor) -> bool:
    """Whether plain products are to serve queries [B, H, T, D].

    Torch's fused attention has a backward pass on the CPU that is five times slower in bfloat16
    than in float32 at 64 places; everywhere else the fused kernel is the better one. Of several
    runs at once (`torch.func.vmap`) it would go through them one by one there.
    """
    if q.device.type != "cpu":
        return False
    packed = torch._C._functorch.peek_interpreter_stack() is not None
    return packed or (reduced(q) and q.shape[2] <= LONGEST_PRODUCTS)


def reduced(q: Tensor) -> bool:
    """Whether products on a CPU are in bfloat16."""
    return q.dtype == torch.bfloat16 or torch.is_autocast_enabled("cpu")


def products(q: Tensor, k: Tensor, v: Tensor, *, seen: Tensor | None, dropout: float) -> Tensor:
    """`attend` as two products and a softmax, in bfloat16 where that is asked for.

    Scores are rounded to bfloat16, which adds to an error no more than the rounding of the queries
    and keys that they are made of did.
    """
    batch, heads, places, channels = q.shape
    kind = torch.bfloat16 if reduced(q) else q.dtype
    q, k, v = q.to(kind), k.to(kind), v.to(kind)
    if k.shape[1] != heads:
        k, v = (x.repeat_interleave(heads // x.shape[1], dim=1) for x in (k, v))
    rows = (batch * heads, places, channels)
    q, k, v = (x.reshape(rows) for x in (q, k, v))
    hidden = later(places, kind) if seen is None else _hidden(seen, kind)
    scores = torch.baddbmm(hidden, q, k.mT, alpha=channels**-0.5)  # [B·H, T, T]
    weights = torch.softmax(scores, dim=-1, dtype=kind)
    if dropout:
        weights = F.dropout(weights, dropout)
    return (weights @ v).view(batch, heads, places, channels)


def later(places: int, kind: torch.dtype) -> Tensor:
    """[T, T]: 0 where a query (row) sees a key, -∞ where the key lies in its future."""
    return torch.full((places, places), float("-inf"), dtype=kind).triu(1)


def _hidden(seen: Tensor, kind: torch.dtype) -> Tensor:
    return torch.zeros(seen.shape, dtype=kind).masked_fill(~seen, float("-inf"))
