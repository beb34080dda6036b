"""Sliding attention: every token looks at itself and at the few tokens just before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge
from torch import Tensor

from audition.parts.attention.causal import Causal


@dataclass(frozen=True, kw_only=True)
class Sliding(Causal):
    """Causal attention over a window; layers stacked see `layers * (window - 1)` tokens back."""

    neutral: ClassVar[Mapping[str, object]] = {}
    active: ClassVar[Mapping[str, object]] = {"window": 4}

    window: Annotated[int, Ge(1)] = 32
    """Tokens that a token sees, itself included."""

    def seen(self, places: Tensor) -> Tensor:
        back = places[:, None] - places[None, :]  # [T, T] how far a key lies behind its query
        return (back >= 0) & (back < self.window)
