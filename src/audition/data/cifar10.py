"""CIFAR-10: 60,000 pictures in colour, 32 x 32 pixels, ten classes (Krizhevsky 2009).

Read from the hub, or from the binary version of the archive. The Python version is pickled, which is
never opened. About 3 % of the test pictures have near-twins in training (Barz & Denzler 2020).
"""

import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from audition.data.codec import decoded
from audition.data.decoded import Decoded, Part, PictureSet, stacked
from audition.data.fingerprint import fingerprint
from audition.data.reading import named, state_of
from audition.data.repository import digest
from audition.errors import AuditionError

NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
TRAINING = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
TEST = ("test_batch.bin",)
SIDE = 32
RECORD = 1 + 3 * SIDE**2
"""Bytes of a picture: its class, then the planes of red, green and blue."""


@dataclass(frozen=True, kw_only=True)
class Cifar10(Decoded):
    """Of the 50,000 published for training 5,000 validate, 1,000 are probed, 44,000 are trained on."""

    without_network: ClassVar[str] = "python -m scripts.stand_ins cifar10 FOLDER"

    path: str = "uoft-cs/cifar10"
    """Its name on the hub, a folder laid out as that, the binary archive, or its folder."""
    revision: str | None = "0b2714987fa478483af9968de7c934580d0bb9a2"
    """The full hash of a commit on the hub; null for files of this machine."""

    def __post_init__(self) -> None:
        folder = Path(self.path)
        if (folder / "data_batch_1").is_file() or self.path.endswith("-python.tar.gz"):
            raise AuditionError(
                f"{named(folder)} is the Python version of CIFAR-10, which is pickled and never "
                "opened: take the binary version, cifar-10-binary.tar.gz"
            )
        super().__post_init__()

    @property
    def pictures_fingerprint(self) -> str:
        return fingerprint({"cifar10": self._contents()})

    def read(self) -> PictureSet:
        repaired: Counter[str] = Counter()
        if (binary := self._binary()) is None:
            training, test = (self._rows(split, repaired) for split in ("train", "test"))
        else:
            training, test = (_records(binary, files) for files in (TRAINING, TEST))
        return PictureSet(training, test, NAMES, repaired)

    def _binary(self) -> Path | None:
        """The archive, or the folder of its files; None where the set is read as from the hub."""
        path = Path(self.path)
        folders = (path, path / "cifar-10-batches-bin")
        inside = (folder for folder in folders if (folder / TRAINING[0]).is_file())
        return path if path.is_file() else next(inside, None)

    def _contents(self) -> list[object]:
        binary = self._binary()
        if binary is None:
            return [self.repository.contents]
        if binary.is_file():
            return [digest(binary, state_of(binary))]
        files = [binary / name for name in (*TRAINING, *TEST)]
        return [digest(file, state_of(file)) for file in files]

    def _rows(self, split: str, repaired: Counter[str]) -> Part:
        """Those of a split of the hub."""
        pictures, classes = [], []
        for content, name, label in self.labelled(split, "img", "label"):
            picture = decoded(content, name, repaired)
            if picture.shape[1:] != (SIDE, SIDE):
                raise AuditionError(
                    f"the picture {name} has {picture.shape[1]} x {picture.shape[2]} pixels, and "
                    f"those of CIFAR-10 have {SIDE} x {SIDE}"
                )
            pictures.append(picture)
            classes.append(label)
        return stacked(pictures, classes, f"split {split} of {self.path}")


def _records(binary: Path, names: tuple[str, ...]) -> Part:
    """The pictures of some files of the binary version.

    Raises AuditionError for a file that is missing or cut short.
    """
    files = dict(_files(binary, names))
    longest = max(map(len, files.values()))
    expected = max(1, longest // RECORD)
    for name, content in files.items():
        if len(content) != expected * RECORD:
            raise AuditionError(
                f"{name} of {named(binary)} is cut short: it has {len(content):,} bytes, which are "
                f"{len(content) / RECORD:.2f} pictures, where {expected:,} are expected"
            )
    table = np.frombuffer(b"".join(files.values()), np.uint8).reshape(-1, RECORD)
    return Part(table[:, 1:].reshape(-1, 3, SIDE, SIDE), table[:, 0].astype(np.int64))


def _files(binary: Path, names: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each; they are read within the archive, and nothing is extracted."""
    if binary.is_dir():
        for name in names:
            state_of(binary / name)  # says why it cannot be read
            yield name, (binary / name).read_bytes()
        return
    try:
        with tarfile.open(binary) as archive:
            members = {Path(member.name).name: member for member in archive if member.isfile()}
            for name in names:
                if name not in members:
                    raise AuditionError(f"{named(binary)} has no {name}: take the binary version")
                opened = archive.extractfile(members[name])
                assert opened is not None, "a file of an archive can be read"
                yield name, opened.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise AuditionError(
            f"{named(binary)} is no whole archive: {' '.join(str(error).split())}"
        ) from None
