"""Batches of pictures with classes, each a pure function of the seed and the step.

Shape suffixes: N pictures of a split, B rows of a batch, C channels, H height, W width.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audition.errors import AuditionError
from audition.recipe.batches import Batch, Clock, Shape
from audition.recipe.streams import Streams


@dataclass(frozen=True)
class Pictures:
    """The pictures of one split, their classes, and their numbers in the whole set."""

    pixels: NDArray[np.float32]  # [N, C, H, W], normalised
    classes: NDArray[np.int64]  # [N]
    numbers: NDArray[np.int64]  # [N]

    def __len__(self) -> int:
        return len(self.classes)

    def only(self, rows: NDArray[np.int64]) -> "Pictures":
        """Those in `rows`, in that order."""
        return Pictures(self.pixels[rows], self.classes[rows], self.numbers[rows])


@dataclass(frozen=True)
class Splits:
    """Pictures to train on, to probe and to validate on; no picture is in two of them."""

    training: Pictures
    probe: Pictures
    validation: Pictures

    @classmethod
    def of(cls, pictures: Pictures, *, validation: int, probe: int, order: int) -> "Splits":
        """`validation` and `probe` pictures of each class set aside, the same for every seed.

        order: seeds the choice, once for a data set; a run's seed must not change the split.

        Raises AuditionError where a class has no picture left to train on.
        """
        generator = np.random.default_rng(order)
        parts: list[list[NDArray[np.int64]]] = [[], [], []]
        for each in np.unique(pictures.classes):
            rows = generator.permutation(np.flatnonzero(pictures.classes == each))
            if len(rows) <= validation + probe:
                raise AuditionError(
                    f"class {each} has {len(rows)} pictures, too few for {validation} to validate "
                    f"on, {probe} to probe and one to train on"
                )
            for part, chosen in zip(
                parts, np.split(rows, [validation, validation + probe]), strict=True
            ):
                part.append(chosen)
        held_out, looked_at, training = (np.sort(np.concatenate(part)) for part in parts)
        return cls(*(pictures.only(rows) for rows in (training, looked_at, held_out)))


class Images:
    """The `Batches` of a picture set: every epoch in a new random order, without augmentation."""

    domains: tuple[str, ...] = ()

    def __init__(self, splits: Splits, streams: Streams, *, batch_size: int, classes: int) -> None:
        """Raises AuditionError where the training split has fewer pictures than a batch."""
        if len(splits.training) < batch_size:
            raise AuditionError(
                f"data.batch_size={batch_size} is more than the {len(splits.training)} pictures "
                "to train on"
            )
        self.shape = Shape(tuple(splits.training.pixels.shape[1:]), classes)
        self._splits, self._streams, self._rows = splits, streams, batch_size
        self._order = lru_cache(maxsize=2)(self._ordered)  # two, for a batch between two epochs

    def train(self, clock: Clock) -> Batch:
        first, many = clock.step * self._rows, len(self._splits.training)
        places = np.arange(first, first + self._rows)
        epochs = places // many
        # A batch may end one epoch and begin the next; it touches two at most.
        rows = [self._order(int(e))[places[epochs == e] - e * many] for e in np.unique(epochs)]
        return _batch(self._splits.training, np.concatenate(rows))

    def probe(self, step: int) -> Batch:
        """Pictures of the probe split, drawn afresh each step with replacement."""
        generator = self._streams.generator("probe", step)
        rows = torch.randint(len(self._splits.probe), (self._rows,), generator=generator)
        return _batch(self._splits.probe, rows.numpy())

    def held_out(self, at_once: int = 2048) -> Iterator[Batch]:
        for i in range(0, len(self._splits.validation), at_once):
            yield _batch(
                self._splits.validation,
                np.arange(i, min(i + at_once, len(self._splits.validation))),
            )

    def _ordered(self, epoch: int) -> NDArray[np.int64]:
        generator = self._streams.generator("data", epoch)
        return torch.randperm(len(self._splits.training), generator=generator).numpy()


def _batch(pictures: Pictures, rows: NDArray[np.int64]) -> Batch:
    def tensor(values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(values[rows])

    return Batch(
        inputs=tensor(pictures.pixels),
        targets=tensor(pictures.classes),
        ids=tensor(pictures.numbers),
        groups=torch.zeros(len(rows), dtype=torch.int64),
    )
