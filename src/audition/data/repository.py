"""Rows of a data set on the Hugging Face hub at one commit, or of a folder that is laid out as one."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from audition.data.reading import named, state_of
from audition.errors import AuditionError, choices

COMMIT = re.compile(r"[0-9a-f]{40}")
"""The full hash of a commit; a branch or a tag may move."""


@dataclass(frozen=True)
class Repository:
    """What `rows` are read of: nothing is downloaded before, and nothing is ever unpickled."""

    path: str  # its name on the hub, or a folder
    commit: str | None = None  # the full hash; None for a folder
    subset: str | None = None  # which part of a set that has several
    inside: str | None = None  # the folder in it that has the files; None for what its card says
    cache_dir: str = "outputs/cache"
    without_network: str = ""  # a command that makes a folder to try the path of the set on

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of this machine."""
        return self.path.startswith(("/", ".", "~")) or Path(self.path).is_dir()

    @property
    def contents(self) -> list[Any]:
        """What is in it, for a fingerprint: path and commit, or of each file path and sha256."""
        if not self.is_folder:
            return [self.path, self.commit]
        return files_in(Path(self.path))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What has to be known of it."""
        return stand_in(Path(self.path)) if self.is_folder else ()

    def rows(
        self,
        split: str,
        columns: Mapping[str, str],
        seen: Callable[[Any], Any] = lambda rows: rows,
        hint: Callable[[str], str] = lambda said: "",
    ) -> Iterator[dict[str, Any]]:
        """The rows of a split, as a stream.

        Args:
            split: its name.
            columns: each that is read -> what to call it in a sentence, `data.field=text` for instance.
            seen: what is made of the library's rows before they are read.
            hint: what the library said -> how to go on, the end of a sentence; "" for nothing.

        Raises AuditionError, in a sentence, whatever the library raises.
        """
        try:
            import datasets
        except ImportError:
            raise AuditionError(
                f"data.path={self.path} is read by a package that is not installed: "
                "pip install 'audition[hub]'"
            ) from None
        try:
            rows = datasets.load_dataset(
                self.path,
                name=self.subset,
                data_dir=self.inside,
                revision=self.commit,
                split=split,
                streaming=True,
                cache_dir=str(Path(self.cache_dir) / "hub"),
            )
            known = rows.column_names
            for column, name in columns.items():
                if known is not None and column not in known:
                    raise AuditionError(
                        f"{name} is no column of {self.path}{choices(column, known)}"
                    )
            yield from seen(rows.select_columns(list(columns)))
        except AuditionError:
            raise
        except Exception as error:  # of the network, of Arrow, of the data set itself
            said = " ".join(str(error).split()) or type(error).__name__
            offline = f"; without a network: {self.without_network}" if self.without_network else ""
            beside = hint(said) or ("" if self.is_folder else offline)
            raise AuditionError(
                f"{named(Path(self.path))}, split {split}, cannot be read: {said[:300]}{beside}"
            ) from error


def stand_in(folder: Path) -> tuple[str, ...]:
    """What the README.md of a folder says where it begins a line with "A stand-in"; else nothing."""
    readme = folder / "README.md"
    lines = readme.read_text(encoding="utf-8").splitlines() if readme.is_file() else []
    return tuple(line for line in lines if line.startswith("A stand-in"))


def files_in(folder: Path) -> list[list[str]]:
    """[path within the folder, sha256] of every file that is not hidden, sorted."""
    if not folder.is_dir():
        state_of(folder)  # says why not
        raise AuditionError(
            f"{named(folder)} cannot be read: it is a file, and data=file reads that"
        )
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    shown = [file for file in files if not any(part.startswith(".") for part in file.parts)]
    return [
        [file.as_posix(), digest(folder / file, state_of(folder / file))] for file in sorted(shown)
    ]


@cache
def digest(path: Path, state: tuple[int, ...]) -> str:
    """The sha256 of a file; `state` is `state_of` it, so that one that changed is read again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
