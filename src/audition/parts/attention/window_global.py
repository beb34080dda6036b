"""A window and a few global tokens: the first tokens of a window are seen by all that follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from audition.parts.attention.sliding import Sliding


@dataclass(frozen=True, kw_only=True)
class WindowGlobal(Sliding):
    """Sliding attention in which every token sees the first tokens too.

    Global attention as of Longformer (Beltagy et al. 2020), in a causal model, where it is one way:
    what StreamingLLM (Xiao et al. 2024) calls attention sinks. With window w and G global tokens, T
    tokens have w T - w (w - 1) / 2 + G (T - w) - G (G - 1) / 2 pairs, if w + G <= T.
    """

    active: ClassVar[Mapping[str, object]] = {"window": 4, "global_tokens": 2}

    window: Annotated[int, Ge(1)] = 16
    """Tokens that a token sees just before, itself included."""
    global_tokens: Annotated[int, Ge(0)] = 4
    """Tokens at the start that all later ones see."""

    def seen(self, q: Tensor, k: Tensor) -> Tensor | None:
        near = super().seen(q, k)
        if near is None:
            return None
        places = torch.arange(q.shape[2], device=q.device)
        first = (places < self.global_tokens) & (places <= places[:, None])
        return near | first  # [T, T]
