"""Attention on a card that skips what a mask hides, by torch's FlexAttention.

Torch's fused attention computes every pair of an explicit mask, and has no cap on scores at all.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

SHORTEST = 4096
"""Places from which on a card takes it. It skips blocks of 128 x 128 pairs, but building the mask of
blocks costs about 10 ms a layer (docs/results/gpu.md)."""
NARROWEST = 16
"""Channels a head that its products need."""


def by_flex(
    q: Tensor, *, seen: Tensor | None, bias: Tensor | None, cap: float | None, dropout: float
) -> bool:
    """Whether it is to serve queries [B, H, T, D]: a mask or a cap on long windows, on a card.

    It knows no dropout. The gradient of a learned bias would add up in another order each time.
    """
    if q.device.type != "cuda" or (seen is None and cap is None) or dropout:
        return False
    learned = bias is not None and bias.requires_grad
    return not learned and q.shape[2] >= SHORTEST and q.shape[3] >= NARROWEST and compiles()


@cache
def compiles() -> bool:
    """Whether its kernels can be compiled here."""
    from torch.utils._triton import has_triton

    return bool(has_triton())


def flex(
    q: Tensor, k: Tensor, v: Tensor, *, seen: Tensor | None, bias: Tensor | None, cap: float | None
) -> Tensor:
    """`kernels.attend` without dropout. On a CPU it has no backward pass, and is dense."""
    from torch.nn.attention.flex_attention import create_block_mask

    batch, heads, places = q.shape[:3]
    per_row = seen is not None and seen.ndim == 4
    shown = None if seen is None else seen.expand(*seen.shape[:-2], places, places)
    added = None if bias is None else bias.expand(batch, heads, places, places)
    kind = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else q.dtype

    def sees(b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        if shown is None:
            return i >= j
        return shown[b, h, i, j] if per_row else shown[i, j]

    def changed(score: Tensor, b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        if cap is not None:
            score = cap * torch.tanh(score / cap)
        return score if added is None else score + added[b, h, i, j]

    mask = create_block_mask(
        sees,
        batch if per_row else None,
        heads if per_row else None,
        places,
        places,
        device=q.device.type,
    )
    kernel = compiled() if q.device.type == "cuda" else plain()
    y: Tensor = kernel(
        q.to(kind),
        k.to(kind),
        v.to(kind),
        score_mod=None if cap is None and added is None else changed,
        block_mask=mask,
        enable_gqa=k.shape[1] != heads,
    )
    return y


def plain() -> Callable[..., Any]:
    """FlexAttention as written, which forms all scores."""
    from torch.nn.attention.flex_attention import flex_attention

    return flex_attention


@cache
def compiled() -> Callable[..., Any]:
    """FlexAttention as one kernel, which is compiled when it is first called."""
    made: Callable[..., Any] = torch.compile(plain(), dynamic=False)
    return made
