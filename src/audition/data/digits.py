"""Handwritten digits: 1,797 grey pictures of 8 x 8 pixels in ten classes (Alpaydin & Kaynak 1998).

They come in scikit-learn's package as one file, which is read without importing the package.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from audition.data.pictures import PictureSource, packaged, read_table
from audition.data.set_aside import SetAside

if TYPE_CHECKING:  # torch comes with the first batch, not with the settings
    from audition.data.images import Splits

FILE = "sklearn/datasets/data/digits.csv.gz"
SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"


@dataclass(frozen=True, kw_only=True)
class Digits(PictureSource):
    """500 pictures validate, 100 are there to be probed, 1,197 are trained on."""

    classes: ClassVar[int] = 10
    training: ClassVar[int] = 1197
    aside: ClassVar[SetAside] = SetAside(validation=50, probe=10, order=1797)

    @property
    def pictures_fingerprint(self) -> str:
        _file()
        return SHA256

    def splits(self) -> "Splits":
        from audition.data.images import Pictures, Splits

        return Splits.of(Pictures.of(*read_table(_file(), 8)), self.aside)


def _file() -> Path:
    return packaged("digits", "scikit-learn", FILE, SHA256)
