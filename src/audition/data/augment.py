"""Random changes to training pictures, from one table of draws an epoch.

A row of the table belongs to an example, so the same example looks the same in the same epoch whatever
the batch size, and a change that is not made moves no draw of the others.

Shape suffixes: N examples of a set, B rows of a batch, C channels, H height, W width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audition.errors import AuditionError

FLIP, DOWN, RIGHT, AREA, ASPECT, TOP, LEFT = range(7)
"""The columns of the table, each uniform on [0, 1)."""
WIDEST = np.log(4 / 3)
"""Of the aspect ratio of a crop, either way (Szegedy et al. 2015)."""

Pixels = NDArray[np.uint8] | NDArray[np.float32]


@dataclass(frozen=True)
class Augment:
    """What is done, in this order: a crop, scaled back to the picture's size; a flip; a shift."""

    flip: Literal["never", "random", "alternating"] = "never"
    shift: int = 0
    fill: Literal["reflect", "black"] = "reflect"
    crop: float = 1.0

    def __bool__(self) -> bool:
        return self.flip != "never" or self.shift > 0 or self.crop < 1

    def check(self, height: int, width: int) -> None:
        """Raises AuditionError for a shift that would leave nothing of a picture."""
        if self.shift >= min(height, width):
            raise AuditionError(
                f"data.shift={self.shift} is too far for pictures of {height} x {width} pixels"
            )

    def __call__(self, pixels: Pixels, draws: NDArray[np.float32]) -> Pixels:
        """[B, C, H, W], changed by `draws` [B, 7]; always new arrays."""
        height, width = pixels.shape[2:]
        if self.crop < 1:
            pixels = self._cropped(pixels, draws)
        down, right = (np.zeros((len(pixels), 1), np.int64) for _ in range(2))
        if self.shift:
            reach = 2 * self.shift + 1
            down = (draws[:, DOWN, None] * reach).astype(np.int64) - self.shift
            right = (draws[:, RIGHT, None] * reach).astype(np.int64) - self.shift
        rows, columns = np.arange(height) + down, np.arange(width) + right  # [B, H], [B, W]
        if self.flip != "never":
            columns = np.where(draws[:, FLIP, None] < 0.5, width - 1 - columns, columns)
        inside = _inside(rows, height)[:, :, None] & _inside(columns, width)[:, None]
        places = _reflected(rows, height)[:, :, None] * width + _reflected(columns, width)[:, None]
        flat = pixels.reshape(*pixels.shape[:2], height * width)
        moved: Any = np.take_along_axis(flat, places.reshape(len(pixels), 1, -1), 2)
        moved = moved.reshape(pixels.shape)
        if self.shift and self.fill == "black":
            moved[~np.broadcast_to(inside[:, None], moved.shape)] = 0
        changed: Pixels = moved
        return changed

    def _cropped(self, pixels: Pixels, draws: NDArray[np.float32]) -> NDArray[np.float32]:
        """A rectangle of each, between `crop` and all of its area, interpolated between pixels."""
        height, width = pixels.shape[2:]
        area = self.crop + (1 - self.crop) * draws[:, AREA]
        aspect = np.exp(WIDEST * (2 * draws[:, ASPECT] - 1))
        tall = np.minimum(height, np.sqrt(area / aspect) * height)[:, None]
        wide = np.minimum(width, np.sqrt(area * aspect) * width)[:, None]
        rows = (np.arange(height) + 0.5) * tall / height + draws[:, TOP, None] * (height - tall)
        columns = (np.arange(width) + 0.5) * wide / width + draws[:, LEFT, None] * (width - wide)
        found = _between(pixels.astype(np.float32), rows - 0.5, axis=2)
        return _between(found, columns - 0.5, axis=3)


class Draws:
    """The table of each epoch [N, 7], made when it is asked for."""

    def __init__(
        self, augment: Augment, generator: Callable[..., torch.Generator], many: int
    ) -> None:
        """generator: of the run's stream of augmentation, by further names."""
        self.augment, self.generator, self.many = augment, generator, many
        self._made: dict[int, Tensor] = {}

    def of(self, epoch: int) -> NDArray[np.float32]:
        """Read-only."""
        if epoch not in self._made:
            # A batch may end one epoch and begin the next, and alternating flips need the first.
            kept = {e: t for e, t in self._made.items() if e in (0, epoch - 1)}
            self._made = kept | {epoch: self._table(epoch)}
        return self._made[epoch].numpy()

    def _table(self, epoch: int) -> Tensor:
        table = torch.rand(self.many, 7, generator=self.generator(epoch))
        if self.augment.flip == "alternating" and epoch:
            first = torch.from_numpy(self.of(0))[:, FLIP]
            table[:, FLIP] = first if epoch % 2 == 0 else 0.999_999 - first
        return table


def _inside(places: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    return (places >= 0) & (places < size)


def _reflected(places: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Places beyond an edge, folded back at the pixel of the edge."""
    folded: NDArray[np.int64] = (size - 1) - np.abs((size - 1) - np.abs(places))
    return folded


def _between(
    values: NDArray[np.float32], places: NDArray[np.float32], axis: int
) -> NDArray[np.float32]:
    """`values` [B, C, H, W] at `places` [B, n] of an axis, linear between two pixels."""
    size = values.shape[axis]
    places = places.clip(0, size - 1).astype(np.float32)
    low = np.floor(places).astype(np.int64)
    shape = (len(places), 1, -1, 1) if axis == 2 else (len(places), 1, 1, -1)
    at = np.take_along_axis(values, low.reshape(shape), axis)
    after = np.take_along_axis(values, np.minimum(low + 1, size - 1).reshape(shape), axis)
    return at + (after - at) * (places - low).astype(np.float32).reshape(shape)
