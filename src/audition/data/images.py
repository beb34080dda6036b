"""Batches of pictures with classes, each a pure function of the seed and the step.

Shape suffixes: N pictures of a split, B rows of a batch, C channels, H height, W width.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audition.data.augment import Augment, Draws, Pixels
from audition.data.set_aside import SetAside
from audition.errors import AuditionError
from audition.recipe.batches import Batch, Clock, Shape
from audition.recipe.streams import Streams


@dataclass(frozen=True)
class Pictures:
    """The pictures of one split, their classes, and their numbers in the whole set."""

    pixels: NDArray[np.uint8]  # [N, C, H, W]
    classes: NDArray[np.int64]  # [N]
    numbers: NDArray[np.int64]  # [N]

    @classmethod
    def of(cls, pixels: NDArray[np.uint8], classes: NDArray[np.integer], first: int = 0) -> Self:
        """A whole set, numbered from `first`."""
        numbers = np.arange(first, first + len(classes))
        # Anew in this order: the strides of a single channel may else be taken for channels_last.
        pixels = np.array(pixels, order="C", copy=True)
        return cls(pixels, classes.astype(np.int64), numbers)

    def __len__(self) -> int:
        return len(self.classes)

    def only(self, rows: NDArray[np.int64]) -> "Pictures":
        """Those in `rows`, in that order."""
        return Pictures(self.pixels[rows], self.classes[rows], self.numbers[rows])


@dataclass(frozen=True)
class Splits:
    """Pictures to train on, to probe and to be judged on; no picture is in two of them."""

    training: Pictures
    probe: Pictures
    validation: Pictures

    @classmethod
    def of(cls, pictures: Pictures, aside: SetAside) -> "Splits":
        """Some pictures of each class set aside, the same for every seed.

        Raises AuditionError where a class has no picture left to train on.
        """
        generator = np.random.default_rng(aside.order)
        parts: list[list[NDArray[np.int64]]] = [[], [], []]
        for each in np.unique(pictures.classes):
            rows = generator.permutation(np.flatnonzero(pictures.classes == each))
            if len(rows) <= aside.validation + aside.probe:
                raise AuditionError(
                    f"class {each} has {len(rows)} pictures, too few for "
                    f"{aside.validation} to validate on, {aside.probe} to probe and one to train on"
                )
            ends = np.cumsum([aside.validation, aside.probe])
            for part, chosen in zip(parts, np.split(rows, ends), strict=True):
                part.append(chosen)
        held_out, looked_at, training = (np.sort(np.concatenate(part)) for part in parts)
        return cls(*(pictures.only(rows) for rows in (training, looked_at, held_out)))

    def judged_on(self, others: Pictures) -> "Splits":
        """The same training, judged on other pictures, a published test set for instance."""
        return replace(self, validation=others)


@dataclass(frozen=True)
class Scale:
    """Pixels to inputs: less the mean of their channel, over its standard deviation.

    Both are of the training split alone: what is held out must not shape what is trained on.
    """

    mean: Tensor  # [C, 1, 1]
    deviation: Tensor  # [C, 1, 1]

    @classmethod
    def of(cls, pictures: Pictures) -> Self:
        """Exactly, from how often each value of a byte occurs in each channel."""
        values = np.arange(256)
        many = np.stack(
            [np.bincount(p.ravel(), minlength=256) for p in pictures.pixels.swapaxes(0, 1)]
        )
        mean = many @ values / many.sum(1)
        spread = ((values - mean[:, None]) ** 2 * many).sum(1) / many.sum(1)
        both = (torch.from_numpy(x).float().view(-1, 1, 1) for x in (mean, np.sqrt(spread)))
        return cls(*both)

    @classmethod
    def from_numbers(cls, mean: Sequence[float], deviation: Sequence[float]) -> Self:
        return cls(*(torch.tensor(each).view(-1, 1, 1) for each in (mean, deviation)))

    @property
    def numbers(self) -> list[list[float]]:
        """Mean and deviation of each channel, from which the same scale is made."""
        return [each.flatten().tolist() for each in (self.mean, self.deviation)]

    def __call__(self, pixels: Pixels) -> Tensor:
        """[B, C, H, W], float32."""
        return torch.from_numpy(pixels).float().sub_(self.mean).div_(self.deviation)

    def undone(self, inputs: Tensor) -> Tensor:
        """The bytes that `inputs` were, [B, C, H, W]."""
        found = inputs * self.deviation.to(inputs) + self.mean.to(inputs)
        return found.round().clamp(0, 255).byte()


PLAIN = Augment()


class Images:
    """The `Batches` of a picture set: every epoch in a new random order.

    Training pictures are augmented; those that are probed or held out never are.
    """

    domains: tuple[str, ...] = ()

    def __init__(
        self,
        splits: Splits,
        streams: Streams,
        *,
        batch_size: int,
        classes: int,
        names: Sequence[str] = (),
        augment: Augment = PLAIN,
        scale: Scale | None = None,
    ) -> None:
        """Raises AuditionError for batches larger than the training split, and shifts too far.

        names: of the classes; their numbers by default. scale: that of the training split.
        """
        if len(splits.training) < batch_size:
            raise AuditionError(
                f"data.batch_size={batch_size} is more than the {len(splits.training)} pictures "
                "to train on"
            )
        self.shape = Shape(tuple(splits.training.pixels.shape[1:]), classes, self)
        self.names = tuple(names) or tuple(map(str, range(classes)))
        self._splits, self._streams, self._rows = splits, streams, batch_size
        self._scale = scale or Scale.of(splits.training)
        augment.check(*splits.training.pixels.shape[2:])
        self._augment, many = augment, int(splits.training.numbers.max()) + 1
        self._draws = Draws(augment, partial(streams.generator, "augment"), many)
        self._order = lru_cache(maxsize=2)(self._ordered)  # two, for a batch between two epochs

    def within(self, *names: str) -> "Images":
        """Pictures of some classes, called by their numbers, which they keep; itself for all.

        Raises AuditionError where they are fewer than a batch.
        """
        classes = sorted(map(int, names))
        if classes == list(range(self.shape.outputs)):
            return self
        parts = (
            part.only(np.flatnonzero(np.isin(part.classes, classes)))
            for part in (self._splits.training, self._splits.probe, self._splits.validation)
        )
        return Images(
            Splits(*parts),
            self._streams,
            batch_size=self._rows,
            classes=self.shape.outputs,
            names=self.names,
            augment=self._augment,
            scale=self._scale,
        )

    def train(self, clock: Clock) -> Batch:
        return self.taken(clock.step * self._rows, self._rows)

    def taken(self, first: int, rows: int) -> Batch:
        """Rows of the order in which the run trains on pictures, the `first` counted from 0."""
        places, many = np.arange(first, first + rows), len(self._splits.training)
        epochs = places // many
        # Rows may end one epoch and begin the next.
        each = np.unique(epochs)
        found = [self._order(int(e))[places[epochs == e] - e * many] for e in each]
        chosen = np.concatenate(found)
        if not self._augment:
            return self._batch(self._splits.training, chosen)
        numbers = self._splits.training.numbers
        tables = (self._draws.of(int(e)) for e in each)
        draws = np.concatenate([t[numbers[r]] for t, r in zip(tables, found, strict=True)])
        return self._batch(self._splits.training, chosen, draws)

    def probe(self, step: int) -> Batch:
        return self.drawn(step, self._rows)

    def drawn(self, step: int, rows: int) -> Batch:
        """Pictures of the probe split, drawn afresh each step with replacement."""
        generator = self._streams.generator("probe", step)
        chosen = torch.randint(len(self._splits.probe), (rows,), generator=generator)
        return self._batch(self._splits.probe, chosen.numpy())

    def held_out(self, at_once: int = 2048) -> Iterator[Batch]:
        for i in range(0, len(self._splits.validation), at_once):
            rows = np.arange(i, min(i + at_once, len(self._splits.validation)))
            yield self._batch(self._splits.validation, rows)

    def examples(self, many: int) -> Tensor:
        """Spread evenly over the training pictures, which are never augmented here."""
        training = self._splits.training
        few = min(many, len(training))
        return self._scale(training.pixels[np.arange(few) * len(training) // few])

    def pixels(self, inputs: Tensor) -> Tensor:
        return self._scale.undone(inputs)

    def _ordered(self, epoch: int) -> NDArray[np.int64]:
        generator = self._streams.generator("data", epoch)
        return torch.randperm(len(self._splits.training), generator=generator).numpy()

    def _batch(
        self,
        pictures: Pictures,
        rows: NDArray[np.int64],
        draws: NDArray[np.float32] | None = None,
    ) -> Batch:
        pixels: Pixels = pictures.pixels[rows]
        if draws is not None:
            pixels = self._augment(pixels, draws)
        return Batch(
            inputs=self._scale(pixels),
            targets=torch.from_numpy(pictures.classes[rows]),
            ids=torch.from_numpy(pictures.numbers[rows]),
            groups=torch.zeros(len(rows), dtype=torch.int64),
        )
