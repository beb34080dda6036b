"""Sliding attention: every token looks at itself and at the few tokens just before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge
from torch import Tensor

from audition.parts.attention.causal import Causal
from audition.parts.positional.distance import back


@dataclass(frozen=True, kw_only=True)
class Sliding(Causal):
    """Causal attention over a window; layers stacked see `layers * (window - 1)` tokens back.

    A window of the whole context is causal attention, to the bit.
    """

    neutral: ClassVar[Mapping[str, object]] = {"window": 1_000_000}
    active: ClassVar[Mapping[str, object]] = {"window": 4}

    window: Annotated[int, Ge(1)] = 32
    """Tokens that a token sees, itself included."""

    def seen(self, q: Tensor, k: Tensor) -> Tensor | None:
        places = q.shape[2]
        if self.window >= places:
            return None
        distance = back(places, q.device)  # [T, T]
        return (distance >= 0) & (distance < self.window)
