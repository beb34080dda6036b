"""A trace: the norms, and some entries, of a run's gradients, weights and updates in three windows.

Shape suffixes: S steps, W windows, K tensors, N entries that were kept of all tensors.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from audition.errors import AuditionError, writing
from audition.plain_file import read_bytes, write_whole

FILE = "trace.npz"
"""In the folder of the run that it is of."""
SCHEMA = 2

Numbers = NDArray[np.floating]


@dataclass(frozen=True)
class Trace:
    """The signals of a run without effects, as effects would have seen them.

    Of a tensor of n entries with norm r, an entry x is kept as x √n / r, in half precision.
    """

    key: str  # of the run
    arm: str
    seed: int
    names: tuple[str, ...]  # [K] of the parameters
    sizes: NDArray[np.int64]  # [K] entries of each
    kept: NDArray[np.int64]  # [K] entries that were kept of each, the same ones at every step
    steps: int  # of the whole run; 0 where it was given minutes
    at: NDArray[np.int64]  # [S] steps of the run that were recorded, from 0
    windows: NDArray[np.int64]  # [W] how many of them at its begin, in its middle and at its end
    fractions: Numbers  # [S] of the budget that was spent before each step
    controls: tuple[str, ...]  # [C] names of the schedule's gains
    gains: Numbers  # [S, C]
    terms: tuple[str, ...]  # [J] names of the loss's terms
    losses: Numbers  # [S, J]
    gradients: Numbers  # [S, K] norms before clipping; 0 for a tensor that had no gradient
    weights: Numbers  # [S, K] norms before the update
    updates: Numbers  # [S, K] norms of the change
    gradient_entries: Numbers  # [S, N]
    update_entries: Numbers  # [S, N]
    window_weights: Numbers  # [W, N] entries as they were, before the first step of each window
    schema: int = SCHEMA

    def __len__(self) -> int:
        return len(self.losses)

    @property
    def run(self) -> str:
        """`baseline/42`, by which the run is found."""
        return f"{self.arm}/{self.seed}"

    def spans(self) -> Iterator[slice]:
        """Places in [S] of each window."""
        ends = np.cumsum(self.windows)
        for end, count in zip(ends, self.windows, strict=True):
            yield slice(int(end - count), int(end))

    def parts(self) -> Iterator[tuple[str, slice]]:
        """Name of each parameter, and the place of its entries in [N]."""
        ends = np.cumsum(self.kept)
        for name, end, count in zip(self.names, ends, self.kept, strict=True):
            yield name, slice(int(end - count), int(end))

    def to_bytes(self) -> bytes:
        """The content of the file: arrays of numbers and texts alone, read without running code."""
        content = BytesIO()
        np.savez_compressed(content, **vars(self))
        return content.getvalue()

    @classmethod
    def read(cls, path: Path) -> "Trace":
        """The trace in a file; AuditionError, naming it, where that is not a whole one."""
        try:
            # From memory: of a file that is no archive, numpy leaves the handle open.
            with np.load(BytesIO(read_bytes(path)), allow_pickle=False) as found:
                if int(found["schema"]) != SCHEMA:
                    raise AuditionError(
                        f"{path} has schema {int(found['schema'])}, and this version reads {SCHEMA}: "
                        "--again records it afresh"
                    )
                return cls(**{each.name: _plain(found[each.name]) for each in fields(cls)})
        except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
            raise AuditionError(
                f"{path} is no whole trace ({type(error).__name__}): --again records it afresh"
            ) from None

    def write(self, folder: Path) -> Path:
        """Put it into the folder of its run, whole or not at all; AuditionError where that fails."""
        path = folder / FILE
        with writing(path):
            write_whole(path, self.to_bytes())
        return path


def _plain(array: NDArray[np.generic]) -> Any:
    """An array of numbers as it is; one of texts as a tuple; one without axes as its value."""
    if array.ndim == 0:
        return array.item()
    return tuple(map(str, array)) if array.dtype.kind == "U" else array


def windows_of(steps: int, of: int | None) -> list[range]:
    """Three windows of `steps` in all: the begin, the middle and the end of a run of `of` steps.

    Of a run that is no longer, its thirds; of one whose length nobody knows, thirds of its first steps.

    Examples:
        >>> windows_of(9, 100), windows_of(9, 5), windows_of(2, None)
        ([range(0, 3), range(48, 51), range(97, 100)], [range(0, 2), range(2, 3), range(3, 5)], \
[range(0, 1), range(1, 2)])
    """
    steps = min(steps, of or steps)
    cuts = [round(steps * k / 3) for k in range(4)]
    lengths = [b - a for a, b in pairwise(cuts)]
    end = of or steps
    starts = (0, max(cuts[1], (end - lengths[1]) // 2), end - lengths[2])
    if end == steps:
        starts = (cuts[0], cuts[1], cuts[2])
    spans = (range(a, a + n) for a, n in zip(starts, lengths, strict=True))
    return [span for span in spans if span]
