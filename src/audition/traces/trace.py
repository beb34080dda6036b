"""A trace: the norms, and some entries, of every gradient, weight and update of a run's first steps.

Shape suffixes: S steps, K tensors, N entries that were kept of all tensors.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from audition.errors import AuditionError, writing
from audition.plain_file import read_bytes
from audition.records.store import write_whole

FILE = "trace.npz"
"""In the folder of the run that it is of."""
SCHEMA = 1

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
    first_weights: Numbers  # [N] entries as they were, before the first step
    schema: int = SCHEMA

    def __len__(self) -> int:
        return len(self.losses)

    @property
    def run(self) -> str:
        """`baseline/42`, by which the run is found."""
        return f"{self.arm}/{self.seed}"

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
                        f"{path} has schema {int(found['schema'])}, and this version reads {SCHEMA}"
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
