"""Sets of pictures that are decoded once: what all of them have, and the files they are kept in."""

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from audition.data.cache import cached
from audition.data.fingerprint import fingerprint
from audition.data.pictures import PictureSource
from audition.data.reading import named
from audition.data.repository import COMMIT, Repository
from audition.data.set_aside import SetAside
from audition.errors import AuditionError

if TYPE_CHECKING:  # torch comes with the first batch, not with the settings
    from audition.data.images import Images, Splits
    from audition.recipe.streams import Streams

FACTS = "facts.json"
PARTS = ("training", "probe", "validation", "test")
KEPT = ("pixels", "classes", "numbers")


@dataclass(frozen=True)
class Part:
    """The pictures that were published for training, or for the test, in the order of the files."""

    pixels: NDArray[np.uint8]  # [N, 3, H, W]
    classes: NDArray[np.int64]  # [N]


@dataclass(frozen=True)
class PictureSet:
    """A set as it was read."""

    training: Part
    test: Part
    names: tuple[str, ...]  # of the classes
    repaired: Mapping[str, int]  # what had to be converted -> how many pictures


@dataclass(frozen=True, kw_only=True)
class Decoded(PictureSource):
    """A set whose files say how many pictures there are. They are kept as bytes, for all runs once.

    Of each there are 3 · height · width bytes in the cache, which a run maps into memory. A set on
    the hub is named by a commit, since what a branch or a tag names may change.
    """

    without_network: ClassVar[str] = ""
    """A command that makes a folder to try the set's path on."""
    preparation: ClassVar[str] = "the pictures are decoded, once for all runs"

    path: str
    """Its name on the hub; files of that name are taken first."""
    revision: str | None = None
    """The full hash of a commit on the hub; null for files of this machine."""
    subset: str | None = None
    """Which part of a data set on the hub that has several."""
    inside: str | None = None
    """The folder of the repository that has the files; null for what its card says."""
    validation: Annotated[int, Ge(1)] = 500
    """Pictures of each class that validate, of those published for training."""
    probe: Annotated[int, Ge(1)] = 100
    """Pictures of each class, of the others, that ideas may look at."""
    held_out: Literal["validation", "test"] = "validation"
    """What a run is judged on; `test` is for a comparison with papers, and no search takes it."""
    cache_dir: str = "outputs/cache"
    """Where the bytes are kept; all runs share them, and they can be deleted at any time."""

    def __post_init__(self) -> None:
        here = self.repository.is_folder or Path(self.path).is_file()
        if here and self.revision is not None:
            raise AuditionError(
                f"data.revision={self.revision} has no meaning for the files of {self.path}, whose "
                "content counts: leave it null"
            )
        if not here and self.revision is None:
            raise AuditionError(
                f"{named(Path(self.path))} is not on this machine, and a set on the hub needs "
                "data.revision: the full hash of a commit, 40 hexadecimal digits"
            )
        if not here and not COMMIT.fullmatch(str(self.revision)):
            raise AuditionError(
                f"data.revision={self.revision} is no commit of {self.path}: give the full hash, 40 "
                "hexadecimal digits, since a branch or a tag may move"
            )

    @property
    def repository(self) -> Repository:
        return Repository(
            self.path,
            self.revision,
            self.subset,
            self.inside,
            self.cache_dir,
            self.without_network,
        )

    @abstractmethod
    def read(self) -> PictureSet:
        """Every picture. Raises AuditionError, in a sentence, for what cannot be read."""

    @property
    def corpus_fingerprint(self) -> str:
        """What is trained on: the pictures and how they are split."""
        return fingerprint({"pictures": self.pictures_fingerprint, "split": self._aside.listed})

    @property
    def evaluation_fingerprint(self) -> str:
        return fingerprint({"corpus": self.corpus_fingerprint, "held out": self.held_out})

    @property
    def prepared(self) -> bool:
        """Whether the bytes are in the cache; the first run of all has to wait for them."""
        return (Path(self.cache_dir) / self.corpus_fingerprint).is_dir()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What has to be known of the pictures."""
        found = self.repository.remarks
        facts = Path(self.cache_dir) / self.corpus_fingerprint / FACTS
        if not facts.is_file():
            return found
        many = json.loads(facts.read_text(encoding="utf-8"))["repaired"]
        said = ", ".join(f"{n:,} {what}" for what, n in many.items() if n)
        return (*found, f"of the pictures that were read: {said}") if said else found

    def check(self) -> None:
        """Raises AuditionError where pictures are missing, or a batch is larger than the set."""
        folder = self._cached()
        many = json.loads((folder / FACTS).read_text(encoding="utf-8"))["many"]
        if self.batch_size > many["training"]:
            raise AuditionError(
                f"data.batch_size={self.batch_size} is more than the {many['training']} pictures to "
                "train on"
            )
        if self.held_out == "test" and not many["test"]:
            raise AuditionError(
                "data.held_out=test has no pictures to judge on: leave it at validation"
            )

    def splits(self) -> "Splits":
        from audition.data.images import Pictures, Splits

        folder = self._cached()
        training, probe, validation, test = (
            Pictures(*(np.load(folder / f"{part}_{kept}.npy", mmap_mode="r") for kept in KEPT))
            for part in PARTS
        )
        return Splits(training, probe, test if self.held_out == "test" else validation)

    def open(self, streams: "Streams") -> "Images":
        """The batches of a run. Raises AuditionError where a batch is larger than the set."""
        from audition.data.images import Scale

        folder = self._cached()
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        scale = Scale.from_numbers(*facts["scale"])
        names = tuple(facts["names"])
        return self.images(self.splits(), streams, len(names), names, scale)

    def labelled(self, split: str, image: str, label: str) -> Iterator[tuple[bytes, str, int]]:
        """The bytes of each picture of a split as they are on file, its name, and its class.

        Raises AuditionError for columns that hold no pictures or no classes.
        """

        def as_bytes(rows: Any) -> Any:
            from datasets import Image

            return rows.cast_column(image, Image(decode=False))

        columns = {name: f"column {name}" for name in (image, label)}
        for number, row in enumerate(self.repository.rows(split, columns, as_bytes)):
            where = f"{split}/{number}"
            content = (row[image] or {}).get("bytes")
            if not content:
                raise AuditionError(f"{where} of {self.path} has no picture in column {image}")
            if not isinstance(row[label], int):
                raise AuditionError(
                    f"{where} of {self.path} has {row[label]!r} as its {label}, which is no class: a "
                    "set without labels cannot be learned"
                )
            name = (row[image] or {}).get("path") or ""
            yield content, f"{where} {name}".strip(), row[label]

    @property
    def _aside(self) -> SetAside:
        return SetAside(self.validation, self.probe, order=10)

    def _cached(self) -> Path:
        return cached(Path(self.cache_dir), self.corpus_fingerprint, self._save)

    def _save(self, folder: Path) -> None:
        from audition.data.images import Pictures, Scale, Splits

        found = self.read()
        check_classes(found)
        splits = Splits.of(Pictures.of(found.training.pixels, found.training.classes), self._aside)
        first = len(found.training.classes)
        test = Pictures.of(found.test.pixels, found.test.classes, first)
        parts = dict(
            zip(PARTS, (splits.training, splits.probe, splits.validation, test), strict=True)
        )
        for name, part in parts.items():
            for kept in KEPT:
                np.save(folder / f"{name}_{kept}.npy", getattr(part, kept))
        facts = {
            "names": found.names,
            "repaired": dict(found.repaired),
            "many": {name: len(part) for name, part in parts.items()},
            "scale": Scale.of(splits.training).numbers,
        }
        (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def check_classes(found: PictureSet) -> None:
    """Raise AuditionError for a picture without one of the classes that have names."""
    for part, where in ((found.training, "for training"), (found.test, "for the test")):
        wrong = np.flatnonzero((part.classes < 0) | (part.classes >= len(found.names)))
        if len(wrong):
            raise AuditionError(
                f"picture {wrong[0]} of those {where} has class {part.classes[wrong[0]]}, and there "
                f"are {len(found.names)} from 0 on: a set without labels cannot be learned"
            )


def stacked(pictures: Sequence[NDArray[np.uint8]], classes: Sequence[int], where: str) -> Part:
    """Pictures [3, H, W] of one size, and the class of each.

    Raises AuditionError where there are none, or one has another size than the first.
    """
    if not pictures:
        raise AuditionError(f"{where} has no pictures")
    for number, picture in enumerate(pictures):
        if picture.shape != pictures[0].shape:
            raise AuditionError(
                f"picture {number} of {where} has the shape {picture.shape}, and the first "
                f"{pictures[0].shape}: pictures of one size are needed"
            )
    return Part(np.stack(pictures), np.array(classes, np.int64))
