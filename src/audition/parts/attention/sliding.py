"""Sliding attention: every token looks at itself and at the few tokens just before."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge
from torch import Tensor

from audition.parts.attention.causal import Causal


@dataclass(frozen=True, kw_only=True)
class Sliding(Causal):
    """Causal attention over a window; layers stacked see `layers * (window - 1)` tokens back."""

    window: Annotated[int, Ge(1)] = 32
    """Tokens that a token sees, itself included."""

    def seen(self, places: Tensor) -> Tensor:
        back = places[:, None] - places[None, :]  # [T, T] how far a key lies behind its query
        return (back >= 0) & (back < self.window)
