"""Handwritten digits: 1,797 grey pictures of 8 x 8 pixels in ten classes (Alpaydin & Kaynak 1998).

They come in scikit-learn's package as one file, which is read without importing the package.
"""

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Gt

from audition.data.fingerprint import fingerprint
from audition.errors import AuditionError

if TYPE_CHECKING:  # torch comes with the first batch, not with the settings
    from audition.data.images import Images
    from audition.recipe.streams import Streams

FILE = "sklearn/datasets/data/digits.csv.gz"
SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
CLASSES = 10
BRIGHTEST = 16.0
VALIDATION, PROBE = 50, 10
"""Pictures of each class that are set aside."""
PICTURES = 1797
TRAINING = PICTURES - CLASSES * (VALIDATION + PROBE)
SPLIT = 1797
"""Seeds the choice of the pictures that are set aside, the same for every run."""


@dataclass(frozen=True, kw_only=True)
class Digits:
    """500 pictures validate, 100 are there to be probed, 1,197 are trained on."""

    batch_size: Annotated[int, Gt(0)] = 64
    """Pictures of an optimizer step."""

    @property
    def units_per_step(self) -> int:
        """Examples of an optimizer step."""
        return self.batch_size

    @property
    def corpus_fingerprint(self) -> str:
        """What the pictures are and how they are split. Raises AuditionError where they are missing."""
        return fingerprint({"pictures": _digest(), "split": [VALIDATION, PROBE, SPLIT]})

    @property
    def evaluation_fingerprint(self) -> str:
        """What a run is validated on: every picture that was set aside for it."""
        return self.corpus_fingerprint

    def check(self) -> None:
        """Raises AuditionError where a batch is larger than the set."""
        if self.batch_size > TRAINING:
            raise AuditionError(
                f"data.batch_size={self.batch_size} is more than the {TRAINING} pictures to train on"
            )

    def open(self, streams: "Streams") -> "Images":
        """The batches of a run. Raises AuditionError where a batch is larger than the set."""
        from audition.data.images import Images, Pictures, Splits

        with gzip.open(_file()) as lines:
            table = np.loadtxt(lines, delimiter=",", dtype=np.float32)  # [N, 65]
        numbers = np.arange(len(table))
        pixels = table[:, :-1].reshape(-1, 1, 8, 8) / BRIGHTEST
        raw = Pictures(pixels, table[:, -1].astype(np.int64), numbers)
        splits = Splits.of(raw, validation=VALIDATION, probe=PROBE, order=SPLIT)
        # By the training split alone: what is held out must not shape what is trained on.
        mean, scale = splits.training.pixels.mean(), splits.training.pixels.std()
        normalised = Pictures((pixels - mean) / scale, raw.classes, numbers)
        parts = (splits.training, splits.probe, splits.validation)
        return Images(
            Splits(*(normalised.only(part.numbers) for part in parts)),
            streams,
            batch_size=self.batch_size,
            classes=CLASSES,
        )


def _file() -> Path:
    try:
        path = Path(str(distribution("scikit-learn").locate_file(FILE)))
    except PackageNotFoundError:
        raise AuditionError(
            "data=digits reads a file of scikit-learn, which is not installed: "
            "pip install 'audition[images]'"
        ) from None
    if not path.is_file():
        raise AuditionError(f"data=digits: scikit-learn is installed without {FILE}")
    return path


@cache
def _digest() -> str:
    found = sha256(_file().read_bytes()).hexdigest()
    if found != SHA256:
        raise AuditionError(
            f"data=digits: {FILE} has sha256 {found} where {SHA256} is expected: "
            "another version of scikit-learn ships other pictures"
        )
    return found
