"""The batches of several runs as one batch, with a leading axis of runs.

Shape suffixes: S runs, B rows of a batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from audition.data.windows import Windows
from audition.recipe.batches import Batch, Batches, Clock

AHEAD = 32
"""Steps for which rows of text are cut at a time."""


@dataclass(frozen=True)
class PackedBatch(Batch):
    """Batches of S runs: every field has a leading axis [S]; rows and units are those of one run."""

    @property
    def rows(self) -> int:
        return self.inputs.shape[1]

    @property
    def units(self) -> int:
        return self.targets[0].numel()

    def cut(self, rows: slice | Tensor) -> Self:
        return self._each(lambda tensor: tensor[:, rows])


def packed(batches: Sequence[Batch]) -> PackedBatch:
    """One batch of `batches`, which must agree in their shapes."""

    def stacked(tensors: Sequence[Tensor | None]) -> Tensor | None:
        present = [tensor for tensor in tensors if tensor is not None]
        return torch.stack(present) if present else None

    columns = zip(*(vars(batch).values() for batch in batches), strict=True)
    return PackedBatch(*map(stacked, columns))  # type: ignore[arg-type]


class PackedBatches:
    """The sources of S runs as one, each in its own order: a `recipe.batches.Batches`.

    Rows of text are cut for several steps at a time: cut step by step, those of 64 runs take as
    long as a card needs for a step of a small model.
    """

    def __init__(self, members: Sequence[Batches]) -> None:
        self.members = members
        self.shape, self.domains = members[0].shape, members[0].domains
        self._windows = [member for member in members if type(member) is Windows]
        self._first, self._ahead = 0, None if len(self._windows) < len(members) else AHEAD
        self._block: PackedBatch | None = None

    def train(self, clock: Clock) -> PackedBatch:
        if self._ahead is None:
            return packed([member.train(clock) for member in self.members])
        step, rows = clock.step, self._windows[0].rows
        if self._block is None or not self._first <= step < self._first + self._ahead:
            self._first = step
            cut = [each.taken(step * rows, self._ahead * rows) for each in self._windows]
            self._block = packed(cut)
        first = (step - self._first) * rows
        return self._block.cut(slice(first, first + rows))

    def probe(self, step: int) -> PackedBatch:
        return packed([member.probe(step) for member in self.members])

    def held_out(self, at_once: int = 2048) -> Iterator[Batch]:
        """The held-out rows, which are the same for every run."""
        return self.members[0].held_out(at_once)
