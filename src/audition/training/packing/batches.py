"""The batches of several runs as one batch, with a leading axis of runs.

Shape suffixes: S runs, B rows of a batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from audition.recipe.batches import Batch, Batches, Clock


@dataclass(frozen=True)
class PackedBatch(Batch):
    """Batches of S runs: every field has a leading axis [S]; rows and units are those of one run."""

    @property
    def rows(self) -> int:
        return self.inputs.shape[1]

    @property
    def units(self) -> int:
        return self.targets[0].numel()

    def cut(self, rows: slice) -> Self:
        return self._each(lambda tensor: tensor[:, rows])


def packed(batches: Sequence[Batch]) -> PackedBatch:
    """One batch of `batches`, which must agree in their shapes."""

    def stacked(tensors: Sequence[Tensor | None]) -> Tensor | None:
        present = [tensor for tensor in tensors if tensor is not None]
        return torch.stack(present) if present else None

    columns = zip(*(vars(batch).values() for batch in batches), strict=True)
    return PackedBatch(*map(stacked, columns))  # type: ignore[arg-type]


class PackedBatches:
    """The sources of S runs as one, each in its own order: a `recipe.batches.Batches`."""

    def __init__(self, members: Sequence[Batches]) -> None:
        self.members = members
        self.shape, self.domains = members[0].shape, members[0].domains

    def train(self, clock: Clock) -> PackedBatch:
        return packed([member.train(clock) for member in self.members])

    def probe(self, step: int) -> PackedBatch:
        return packed([member.probe(step) for member in self.members])

    def held_out(self, at_once: int = 2048) -> Iterator[Batch]:
        """The held-out rows, which are the same for every run."""
        return self.members[0].held_out(at_once)
