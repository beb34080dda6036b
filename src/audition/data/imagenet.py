"""ImageNet-1K (Russakovsky et al. 2015) and sets laid out as it is, Imagenette for instance.

Read from the hub, or from folders of the published files: `train/<class>/*.JPEG`, `val/<class>/*.JPEG`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge

from audition.data.codec import ENDING, decoded
from audition.data.decoded import Decoded, Part, PictureSet, stacked
from audition.data.fingerprint import fingerprint
from audition.data.reading import named, state_of
from audition.errors import AuditionError

TRAINING, TEST = "train", "val"
"""Folders of the published files."""


@dataclass(frozen=True, kw_only=True)
class ImageNet(Decoded):
    """Pictures whose short side is scaled to `side` and whose middle is cut, decoded once.

    Of those published for training some of each class are set aside; those published for validation
    are the test. Classes are numbered in the order of their names, as is usual. All of ImageNet takes
    16 GB at 64 pixels a side. Without labels is its published test, which is never read.
    """

    without_network: ClassVar[str] = "python -m scripts.stand_ins imagenet FOLDER"

    path: str = "ILSVRC/imagenet-1k"
    """Its name on the hub, a folder laid out as that, or one of the folders of the files."""
    revision: str | None = "49e2ee26f3810fb5a7536bbf732a7b07389a47b5"
    """The full hash of a commit on the hub; null for files of this machine."""
    validation: Annotated[int, Ge(1)] = 50
    """Pictures of each class that validate, of those published for training."""
    probe: Annotated[int, Ge(1)] = 10
    """Pictures of each class, of the others, that ideas may look at."""
    side: Annotated[int, Ge(8)] = 64
    """Pixels of a side of what a model reads."""

    @property
    def pictures_fingerprint(self) -> str:
        """Of folders by names and sizes of their files: to read all of ImageNet takes minutes."""
        files = self._files if self._in_folders else {}
        listed = [
            [path.relative_to(self.path).as_posix(), state_of(path)[0]]
            for paths in files.values()
            for path in paths
        ]
        return fingerprint({"imagenet": listed or self.repository.contents, "side": self.side})

    def read(self) -> PictureSet:
        repaired: Counter[str] = Counter()
        if not self._in_folders:
            training, test = (self._rows(s, repaired) for s in (TRAINING, "validation"))
            classes = range(int(training.classes.max()) + 1)
            return PictureSet(training, test, tuple(map(str, classes)), repaired)
        files = self._files
        names = sorted({path.parent.name for path in files[TRAINING]})
        training, test = (self._of_files(files[s], names, repaired) for s in (TRAINING, TEST))
        return PictureSet(training, test, tuple(names), repaired)

    @property
    def _in_folders(self) -> bool:
        return (Path(self.path) / TRAINING).is_dir() and any(
            path.is_dir() for path in (Path(self.path) / TRAINING).iterdir()
        )

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        """The pictures of each part, in the order of their classes.

        Raises AuditionError where they are not in a folder for each class.
        """
        found = {}
        for split in (TRAINING, TEST):
            folder = Path(self.path) / split
            inside = folder.glob("*/*")
            found[split] = sorted(p for p in inside if p.suffix.lower() in ENDING)
            if not found[split]:
                raise AuditionError(
                    f"{named(folder)} has no folder with pictures for each class, and the class of a "
                    "picture is the name of its folder: a set without labels cannot be learned"
                )
        return found

    def _of_files(self, paths: list[Path], names: list[str], repaired: Counter[str]) -> Part:
        """The pictures of files, each of the class that its folder names."""
        numbers = {name: number for number, name in enumerate(names)}
        for path in paths:
            if path.parent.name not in numbers:
                raise AuditionError(
                    f"{named(path.parent)} is a class of which {TRAINING} has no picture"
                )
        pictures = [decoded(path.read_bytes(), path.name, repaired, self.side) for path in paths]
        classes = [numbers[path.parent.name] for path in paths]
        return stacked(pictures, classes, self.path)

    def _rows(self, split: str, repaired: Counter[str]) -> Part:
        """Those of a split of the hub."""
        rows: Iterator[tuple[bytes, str, int]] = self.labelled(split, "image", "label")
        pictures, classes = [], []
        for content, name, label in rows:
            pictures.append(decoded(content, name, repaired, self.side))
            classes.append(label)
        return stacked(pictures, classes, f"split {split} of {self.path}")
