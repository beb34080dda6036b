"""`pictures.npz`: some held-out pictures and what a run's model says of them; its only reader.

Shape suffixes: K pictures, C channels, H height, W width.
"""

from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audition.errors import AuditionError
from audition.plain_file import read_bytes

FILE = "pictures.npz"


@dataclass(frozen=True)
class SeenPictures:
    """Pictures and answers of one evaluation: first some that are the same for every run of a set,
    then those of which the model is surest that they are what they are not."""

    pixels: NDArray[np.uint8]  # [K, C, H, W]
    classes: NDArray[np.int64]  # [K], right
    answers: NDArray[np.int64]  # [K], most probable
    sure: NDArray[np.float64]  # [K], probability of the answer
    wrong: NDArray[np.float64]  # [K], probability of all wrong classes together
    names: NDArray[np.str_]  # of the classes
    same: int  # how many of K are the same for every run
    among: int  # pictures that the others were chosen from
    step: int

    def saved(self) -> bytes:
        """The content of the file."""
        out = BytesIO()
        arrays: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        np.savez(out, **arrays)
        return out.getvalue()


def read_pictures(folder: Path) -> SeenPictures | None:
    """Those of the run in `folder`; None where it has none.

    Raises AuditionError for a damaged file.
    """
    path = folder / FILE
    try:
        content = read_bytes(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise AuditionError(f"{path} cannot be read ({error.strerror or error})") from None
    try:
        with np.load(BytesIO(content), allow_pickle=False) as found:
            arrays: dict[str, Any] = {each.name: found[each.name] for each in fields(SeenPictures)}
        arrays |= {name: int(arrays[name]) for name in ("same", "among", "step")}
        seen = SeenPictures(**arrays)
        rows = (seen.pixels, seen.classes, seen.answers, seen.sure, seen.wrong)
        fits = len({len(each) for each in rows}) == 1 and seen.pixels.ndim == 4
    except Exception as error:  # of a zip archive, of an array in it
        raise AuditionError(f"{path} cannot be read ({error})") from None
    if not fits or max([*seen.classes, *seen.answers], default=0) >= len(seen.names):
        raise AuditionError(f"{path} cannot be read (its pictures and answers do not fit)")
    return seen
