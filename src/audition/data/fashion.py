"""Fashion-MNIST: 70,000 grey pictures of clothes, 28 x 28 pixels, ten classes (Xiao et al. 2017, MIT).

The four files are those of MNIST's layout, so another set in that layout can stand in their place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from audition.data.fingerprint import fingerprint
from audition.data.idx import read_idx
from audition.data.pictures import PictureSource
from audition.data.reading import named
from audition.data.set_aside import SetAside
from audition.errors import AuditionError

if TYPE_CHECKING:  # torch comes with the first batch, not with the settings
    from audition.data.images import Pictures, Splits

TRAINING = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
PUBLISHED = 60_000


@dataclass(frozen=True, kw_only=True)
class Fashion(PictureSource):
    """Of the 60,000 published for training 5,000 validate, 1,000 are probed, 54,000 are trained on."""

    classes: ClassVar[int] = 10
    names: ClassVar[tuple[str, ...]] = (
        *("T-shirt", "trousers", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    )
    training: ClassVar[int] = 54_000
    aside: ClassVar[SetAside] = SetAside(validation=500, probe=100, order=60_000)

    path: str = "/usr/share/datasets/fashion-mnist"
    """The folder of the four files, gzipped or not; by default that of Debian's package."""
    sha256: Sequence[str] = (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    )
    """What the files hash to, unzipped: training pictures and classes, then those of the test."""
    held_out: Literal["validation", "test"] = "validation"
    """What a run is judged on; `test` is for a comparison with papers, and no search takes it."""

    def __post_init__(self) -> None:
        if len(self.sha256) != 4:
            raise AuditionError(
                f"data.sha256 has {len(self.sha256)} entries, and there are four files: training "
                "pictures and classes, then those of the test"
            )

    @property
    def pictures_fingerprint(self) -> str:
        return fingerprint({"files": list(self.sha256)})

    @property
    def evaluation_fingerprint(self) -> str:
        return fingerprint({"corpus": self.corpus_fingerprint, "held out": self.held_out})

    def check(self) -> None:
        """Raises AuditionError where a file is missing, or a batch is larger than the set."""
        super().check()
        for name in (*TRAINING, *TEST):
            self._file(name)

    def splits(self) -> "Splits":
        """Raises AuditionError where a file is another than `sha256` says, or no IDX file."""
        from audition.data.images import Splits

        splits = Splits.of(self._read(TRAINING, self.sha256[:2], first=0), self.aside)
        if self.held_out == "validation":
            return splits
        return splits.judged_on(self._read(TEST, self.sha256[2:], first=PUBLISHED))

    def _read(self, names: tuple[str, str], digests: Sequence[str], first: int) -> "Pictures":
        """Those of two files, numbered from `first`."""
        from audition.data.images import Pictures

        files = [self._file(name) for name in names]
        pixels, classes = (read_idx(f, digest) for f, digest in zip(files, digests, strict=True))
        if pixels.ndim != 3 or classes.shape != pixels.shape[:1]:
            raise AuditionError(
                f"{named(files[0])} has shape {pixels.shape} and {files[1].name} {classes.shape}: a "
                "class for each of the pictures is needed"
            )
        if classes.max() >= self.classes:
            raise AuditionError(
                f"{named(files[1])} has class {classes.max()}, and there are {self.classes}"
            )
        return Pictures.of(pixels[:, None], classes, first)

    def _file(self, name: str) -> Path:
        folder = Path(self.path)
        for path in (folder / f"{name}.gz", folder / name):
            if path.is_file():
                return path
        if self.path == Fashion.path:
            raise AuditionError(
                f"data=fashion reads {folder / name}.gz, which is not there: "
                "apt-get install dataset-fashion-mnist, or set data.path to the folder of the files"
            )
        raise AuditionError(f"{named(folder)} has no {name}, gzipped or not")
