"""Ten normal numbers, and whether the first two have one sign: a small task that is not linear."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from audition.data.pictures import PictureSource
from audition.data.set_aside import SetAside

if TYPE_CHECKING:  # torch comes with the first batch, not with the settings
    from audition.data.images import Splits

WIDE = 10
HALF, SPREAD = 128, 32  # the byte of zero, and bytes of one standard deviation
OF_A_CLASS = 2550


@dataclass(frozen=True, kw_only=True)
class Quadrants(PictureSource):
    """4,000 rows validate, 100 are there to be probed, 1,000 are trained on; the same for every seed.

    A row is a picture of one line of ten pixels: normal numbers, kept to within four standard
    deviations by a byte. Its class is 1 where the first two lie on the same side of their mean.
    """

    classes: ClassVar[int] = 2
    training: ClassVar[int] = 1000
    aside: ClassVar[SetAside] = SetAside(validation=2000, probe=50, order=2)

    @property
    def pictures_fingerprint(self) -> str:
        rows, classes = made()
        return sha256(rows.tobytes() + classes.tobytes()).hexdigest()

    def splits(self) -> "Splits":
        from audition.data.images import Pictures, Splits

        return Splits.of(Pictures.of(*made()), self.aside)


@cache
def made() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The rows [N, 1, 1, 10], as many of each class, and their classes [N]."""
    drawn = np.random.default_rng(0).standard_normal((3 * OF_A_CLASS, WIDE))
    rows = np.clip(np.floor(HALF + SPREAD * drawn), 0, 255).astype(np.uint8)
    classes = ((rows[:, 0] >= HALF) == (rows[:, 1] >= HALF)).astype(np.int64)
    kept = np.sort(np.concatenate([np.flatnonzero(classes == c)[:OF_A_CLASS] for c in (0, 1)]))
    return rows[kept].reshape(-1, 1, 1, WIDE), classes[kept]
