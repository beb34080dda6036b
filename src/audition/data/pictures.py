"""What every source of pictures with classes has: settings, fingerprints, checks, splits, batches."""

import gzip
from abc import abstractmethod
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Interval
from numpy.typing import NDArray

from audition.data.fingerprint import fingerprint
from audition.data.set_aside import SetAside
from audition.errors import AuditionError

if TYPE_CHECKING:  # torch comes with the first batch, not with the settings
    from audition.data.images import Images, Scale, Splits
    from audition.recipe.streams import Streams


@dataclass(frozen=True, kw_only=True)
class PictureSource:
    """Settings of all picture sets. A set says what it holds, and reads it."""

    classes: ClassVar[int]
    names: ClassVar[tuple[str, ...]] = ()
    """Of the classes, in their order; their numbers where there are none."""
    training: ClassVar[int]
    """Pictures that are trained on."""
    aside: ClassVar[SetAside]

    batch_size: Annotated[int, Gt(0)] = 64
    """Pictures of an optimizer step."""
    flip: Literal["never", "random", "alternating"] = "never"
    """Left to right, of training pictures: half of them each epoch, or each every other epoch."""
    shift: Annotated[int, Ge(0)] = 0
    """Training pictures move by at most so many pixels, up, down and sideways."""
    fill: Literal["reflect", "black"] = "reflect"
    """What comes in from beyond the edge where a picture is shifted: its mirror image, or zeros."""
    crop: Annotated[float, Interval(gt=0, le=1)] = 1.0
    """The least share of a training picture that is seen, scaled to the whole; 1 is all of it."""

    @property
    def units_per_step(self) -> int:
        """Examples of an optimizer step."""
        return self.batch_size

    @property
    @abstractmethod
    def pictures_fingerprint(self) -> str:
        """What the pictures and their classes are. Raises AuditionError where they are missing."""

    @property
    def corpus_fingerprint(self) -> str:
        """What is trained on: the pictures and how they are split."""
        return fingerprint({"pictures": self.pictures_fingerprint, "split": self.aside.listed})

    @property
    def evaluation_fingerprint(self) -> str:
        """What a run is judged on: every picture that was set aside for it."""
        return self.corpus_fingerprint

    def check(self) -> None:
        """Raises AuditionError where a batch is larger than the set."""
        if self.batch_size > self.training:
            raise AuditionError(
                f"data.batch_size={self.batch_size} is more than the {self.training} pictures to "
                "train on"
            )

    @abstractmethod
    def splits(self) -> "Splits":
        """The pictures as they are, unsigned bytes."""

    def open(self, streams: "Streams") -> "Images":
        """The batches of a run. Raises AuditionError where a batch is larger than the set."""
        return self.images(self.splits(), streams, self.classes, self.names)

    def images(
        self,
        splits: "Splits",
        streams: "Streams",
        classes: int,
        names: tuple[str, ...],
        scale: "Scale | None" = None,
    ) -> "Images":
        """The batches of such splits; `scale` is that of the training split by default."""
        from audition.data.augment import Augment
        from audition.data.images import Images

        return Images(
            splits,
            streams,
            batch_size=self.batch_size,
            classes=classes,
            names=names,
            augment=Augment(self.flip, self.shift, self.fill, self.crop),
            scale=scale,
        )


def packaged(data: str, package: str, file: str, digest: str) -> Path:
    """A file of an installed package, which is not imported.

    Raises AuditionError where the package or the file is missing, or the file is another.
    """
    try:
        path = Path(str(distribution(package).locate_file(file)))
    except PackageNotFoundError:
        raise AuditionError(
            f"data={data} reads a file of {package}, which is not installed: "
            "pip install 'audition[images]'"
        ) from None
    if not path.is_file():
        raise AuditionError(f"data={data}: {package} is installed without {file}")
    check_digest(data, package, path, digest)
    return path


@cache
def check_digest(data: str, package: str, path: Path, digest: str) -> None:
    """Raises AuditionError where the file at `path` has another sha256."""
    found = sha256(path.read_bytes()).hexdigest()
    if found != digest:
        raise AuditionError(
            f"data={data}: {path.name} has sha256 {found} where {digest} is expected: another "
            f"version of {package} ships other pictures"
        )


@lru_cache(maxsize=2)  # a second or two, and every run of a process asks
def read_table(path: Path, side: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures [N, 1, side, side] and classes [N] of a gzipped CSV: a row each, the class last."""
    with gzip.open(path) as lines:
        table = np.loadtxt(lines, delimiter=",", dtype=np.float32)  # `0.000000e+00` is a number too
    return table[:, :-1].astype(np.uint8).reshape(-1, 1, side, side), table[:, -1].astype(np.int64)
