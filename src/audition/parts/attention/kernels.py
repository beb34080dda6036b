"""softmax(q kᵀ / √D + bias) v, by the kernel that is fast and right where it runs.

Shape suffixes: B batch, T places, H query heads, K key/value heads, D channels a head, E channels
of a value.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from audition.parts.attention.flex import by_flex, flex

LONGEST_PRODUCTS = 512
"""Places up to which plain products win on a CPU in reduced precision (measured, `make bench`).

Longer ones would also need the whole [B, H, T, T] of scores in memory.
"""


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    seen: Tensor | None = None,
    bias: Tensor | None = None,
    cap: float | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """Queries [B, H, T, D] over keys [B, K, T, D] and values [B, K, T, E], to [B, H, T, E].

    Args:
        seen: bool that broadcasts to [B, H, T, T], whether a query (row) sees a key (column); None
            is causal.
        bias: added to the scores, broadcasts to [B, H, T, T].
        cap: c of c · tanh(score / c), taken before the bias is added; None is no cap.
        dropout: rate on the attention weights.
    """
    if by_flex(q, seen=seen, bias=bias, cap=cap, dropout=dropout):
        return flex(q, k, v, seen=seen, bias=bias, cap=cap)
    if cap is not None or by_products(q):
        return products(q, k, v, seen=seen, bias=bias, cap=cap, dropout=dropout)
    width = v.shape[-1]
    if width < q.shape[-1]:  # the fused kernels take values as wide as the keys
        v = F.pad(v, (0, q.shape[-1] - width))
    mask = seen if bias is None else hidden(q.shape[2], q.dtype, seen, bias, q.device)
    if mask is not None and mask.ndim == 3:  # with three axes it is not served by the fused kernel
        mask = mask[None]
    y = F.scaled_dot_product_attention(
        q,
        k,
        v,
        attn_mask=mask,
        is_causal=mask is None,
        dropout_p=dropout,
        enable_gqa=k.shape[1] != q.shape[1],
    )
    return y[..., :width]


def by_products(q: Tensor) -> bool:
    """Whether plain products are to serve queries [B, H, T, D].

    Torch's fused attention has a backward pass on the CPU that is five times slower in bfloat16
    than in float32 at 64 places; everywhere else the fused kernel is the better one. Of several
    runs at once (`torch.func.vmap`) it would go through them one by one there. On a card the kernel
    for float32 has a backward pass that refuses the strides which a compiled pack gives it ("LSE is
    not correctly aligned", torch 2.11).
    """
    packed = torch._C._functorch.peek_interpreter_stack() is not None
    few = q.shape[2] <= LONGEST_PRODUCTS
    if q.device.type != "cpu":
        return packed and few and not reduced(q)
    return packed or (few and reduced(q))


def reduced(q: Tensor) -> bool:
    """Whether products are in bfloat16."""
    return q.dtype == torch.bfloat16 or torch.is_autocast_enabled(q.device.type)


def products(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    seen: Tensor | None = None,
    bias: Tensor | None = None,
    cap: float | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """`attend` as two products and a softmax, in bfloat16 where that is asked for.

    Scores are rounded to bfloat16, which adds to an error no more than the rounding of the queries
    and keys that they are made of did.
    """
    batch, heads, places, channels = q.shape
    kind = torch.bfloat16 if reduced(q) else q.dtype
    q, k, v = q.to(kind), k.to(kind), v.to(kind)
    if k.shape[1] != heads:
        k, v = (x.repeat_interleave(heads // x.shape[1], dim=1) for x in (k, v))
    q, k, v = (x.flatten(0, 1) for x in (q, k, v))  # [B·H, T, ...]
    added = hidden(places, kind, seen, bias, q.device)
    if added.ndim > 2:
        added = added.expand(batch, heads, places, places).flatten(0, 1)
    if cap is None:
        scores = torch.baddbmm(added, q, k.mT, alpha=channels**-0.5)  # [B·H, T, T]
    else:
        scores = torch.add(added, torch.tanh(q * (channels**-0.5 / cap) @ k.mT), alpha=cap)
    weights = torch.softmax(scores, dim=-1, dtype=kind)
    if dropout:
        weights = F.dropout(weights, dropout)
    return (weights @ v).view(batch, heads, places, -1)


def hidden(
    places: int,
    kind: torch.dtype,
    seen: Tensor | None,
    bias: Tensor | None,
    device: torch.device,
) -> Tensor:
    """What is added to scores: the bias, or 0, where a query sees a key, and -∞ where it does not.

    [T, T], or as `seen` and `bias` broadcast.
    """
    if bias is None and seen is None:
        return torch.full((places, places), float("-inf"), dtype=kind, device=device).triu(1)
    if seen is None:
        seen = torch.ones(places, places, dtype=torch.bool, device=device).tril()
    if bias is None:
        bias = torch.zeros((), dtype=kind, device=device)
    return torch.where(seen, bias.to(kind), float("-inf"))
