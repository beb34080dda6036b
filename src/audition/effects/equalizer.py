"""Equalizer: a gain on the updates of each band of a model's depth."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from audition.recipe import tree
from audition.recipe.effect import Effect, Replays
from audition.recipe.signals import Tensors, View

Band = Literal["low", "mid", "high"]
BANDS: tuple[Band, ...] = ("low", "mid", "high")

_NUMBER = re.compile(r"(?:^|\.)(\d+)(?=\.)")


@dataclass(frozen=True, kw_only=True)
class Equalizer(Effect):
    """u ← 10^(dB / 20) u, with the dB of its parameter's band: low, mid or high in the model.

    A band is a third of the numbered blocks; what stands before them (embeddings) is low, and what
    else comes after the first of them (last norm, head) high. Every parameter is in exactly one. The
    gain is on the whole change of the weights, decay included, since Adam would cancel it on
    gradients: a rate of its own for each depth, as in Howard & Ruder 2018, "Universal Language Model
    Fine-tuning", who lower it by 2.6 from layer to layer. +6.0206 dB doubles ‖Δw‖. A band at 0 dB
    keeps its bits.
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "norms"
    neutral: ClassVar[Mapping[str, object]] = {"low": 0.0, "mid": 0.0, "high": 0.0}
    active: ClassVar[Mapping[str, object]] = {"low": -6.0}

    low: float = -3.0
    """Gain on embeddings and the first third of the blocks [dB]."""
    mid: float = 0.0
    """Gain on the second third [dB]."""
    high: float = 0.0
    """Gain on the last third and the head [dB]."""

    def moments(self) -> frozenset[str]:
        return super().moments() if self.low or self.mid or self.high else frozenset()

    def on_updates(self, updates: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        bands, after = bands_of(view.params), dict(updates)
        for band, gain in (("low", self.low), ("mid", self.mid), ("high", self.high)):
            if gain:
                own = {name: u for name, u in updates.items() if bands[name] == band}
                after.update(tree.scale(own, 10.0 ** (gain / 20.0)))
        return after, state


def bands_of(names: Iterable[str]) -> dict[str, Band]:
    """Parameter -> its band, for names in the order of the model.

    A block's number is the first in a name. A model whose names have none is all low.

    Examples:
        >>> bands_of(["embedding.weight", "blocks.0.w", "blocks.1.w", "blocks.2.w", "norm.weight"])
        {'embedding.weight': 'low', 'blocks.0.w': 'low', 'blocks.1.w': 'mid', 'blocks.2.w': 'high', \
'norm.weight': 'high'}
    """
    order = list(names)
    found = {name: _NUMBER.search(name) for name in order}
    numbers = {name: int(match[1]) for name, match in found.items() if match}
    blocks = max(numbers.values(), default=0) + 1
    bands: dict[str, Band] = {}
    unnumbered = BANDS[0]
    for name in order:
        if name in numbers:
            bands[name] = BANDS[(2 * numbers[name] + 1) * 3 // (2 * blocks)]
            unnumbered = BANDS[2]
        else:
            bands[name] = unnumbered
    return bands
