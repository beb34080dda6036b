"""Replay: some rows of each earlier phase are kept and trained on again (Chaudhry et al. 2019).

Shape suffixes: B rows of a batch, N rows that are kept.
"""

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Interval

from audition.data.phases import Around, Phases, phases_of, together
from audition.recipe.batches import Batch, Batches, Clock
from audition.recipe.recipe import Recipe
from audition.recipe.streams import Streams

LOOKS = 4
"""How often over its size the memory of a phase looks for rows of every class."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """From the second phase on, `share` of every batch is drawn from the memory, with replacement.

    The batch keeps its size, so the budget buys as many steps. The memory of a phase is of the rows
    that it trained on first; all of them weigh the same, whichever phase they are of.
    """

    memory: Annotated[int, Ge(0)] = 50
    """Rows kept of each class; of texts, of each phase. 0 keeps none: the exact identity."""
    share: Annotated[float, Interval(ge=0, lt=1)] = 0.5
    """Share of a batch that is replayed; 0 is the exact identity."""

    neutral: ClassVar = {"share": 0.0}
    active: ClassVar = {"share": 0.5}

    def __call__(self, recipe: Recipe) -> Recipe:
        if not self.memory or not self.share:
            return recipe

        def replayed(streams: Streams) -> Batches:
            own = Streams(streams.seed).child("ideas", "replay")
            return Replayed(phases_of(recipe.data(streams), "replay"), own, self)

        return replace(recipe, data=replayed)


class Replayed(Around):
    """The rows of a stream, some of which are of earlier phases."""

    def __init__(self, phases: Phases, streams: Streams, settings: Replay) -> None:
        super().__init__(phases)
        self._streams, self._settings = streams, settings
        self._kept = lru_cache(maxsize=len(phases.parts))(self._memory)

    def train(self, clock: Clock) -> Batch:
        batch, phase = self.phases.train(clock), self.phases.phase(clock)
        many = round(self._settings.share * batch.rows)
        if not phase or not many:
            return batch
        generator = self._streams.generator("rows", clock.step)
        memory = self._kept(phase)
        drawn = torch.randint(memory.rows, (many,), generator=generator)
        fresh = batch.rows - many
        order = torch.randperm(batch.rows, generator=generator)  # a part of a batch has both
        return together(batch.cut(slice(fresh)), rows_of(memory, drawn), order)

    def _memory(self, phase: int) -> Batch:
        """What is kept once `phase` begins."""
        own = _first(self.phases, phase - 1, self._settings.memory)
        if phase == 1:
            return own
        before = self._kept(phase - 1)
        return together(before, own, torch.arange(before.rows + own.rows))


def _first(phases: Phases, phase: int, memory: int) -> Batch:
    """The first `memory` rows of each class that `phase` trains on; of all, where rows have many."""
    part, classes = phases.parts[phase], max(1, len(phases.names[phase]))
    rows = part.train(Clock(0))
    for step in range(1, LOOKS * -(-memory * classes // rows.rows)):
        more = part.train(Clock(step))
        rows = together(rows, more, torch.arange(rows.rows + more.rows))
    if rows.targets.ndim > 1:
        return phases.of(rows.cut(slice(memory)), phase)
    found = [
        (rows.targets == c).nonzero().flatten()[:memory] for c in sorted(set(rows.targets.tolist()))
    ]
    return phases.of(rows_of(rows, torch.cat(found)), phase)


def rows_of(batch: Batch, places: torch.Tensor) -> Batch:
    """The rows at `places`, in that order."""
    tensors = (getattr(batch, field.name) for field in fields(batch))
    kept = (None if tensor is None else tensor[places] for tensor in tensors)
    return Batch(*kept)  # type: ignore[arg-type]
