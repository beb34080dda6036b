"""A user's own text: a file whose end validates, or a folder of which one file in ten validates."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Gt, Le

from audition.data.corpus import Corpus
from audition.data.fingerprint import fingerprint
from audition.data.reading import content_of, digests, named, read
from audition.data.source import Source
from audition.data.text import Document, Text, split_end, split_every, without_copies
from audition.errors import AuditionError
from audition.text import count


@dataclass(frozen=True, kw_only=True)
class Files(Corpus):
    """Text in UTF-8. The fingerprint is of what the files say, not of where they lie.

    A file is cut by characters. The files of a folder are sorted by their path within it, and the
    first of each ten validates; one to train on that says what one of those says is left out.
    """

    path: str
    """The file in UTF-8, or the folder, whose subfolders count too."""
    suffixes: tuple[str, ...] = (".txt", ".md")
    """How the names of a folder's files end, in small or capital letters."""
    validation: Annotated[float, Gt(0), Le(0.5)] = 0.1
    """Share that validates: the end of a file; of a folder, one file in (1 / share)."""

    @property
    def text_fingerprint(self) -> str:
        if self._is_file:
            return fingerprint({"text": digests(Path(self.path)).text, "end": self.validation})
        texts = [digests(file).text for file in self._files()]
        return fingerprint({"texts": texts, "every": self._every})

    @property
    def remarks(self) -> tuple[str, ...]:
        if self._is_file:
            return digests(Path(self.path)).remarks
        files = self._files()
        empty = sum(1 for _ in self._found()) - len(files)
        texts = [digests(file).text for file in files]
        held_out = set(texts[:: self._every])
        copies = sum(text in held_out for i, text in enumerate(texts) if i % self._every)
        counted = {
            "is empty, and left out": empty,
            "says what one that validates says, and is left out of training": copies,
        }
        return (
            *(
                f"{named(Path(self.path))}: {count(many, 'file')}, each of which {what}"
                for what, many in counted.items()
                if many
            ),
            *(remark for file in files for remark in digests(file).remarks),
        )

    def text(self) -> Text:
        if self._is_file:
            return split_end(Path(self.path).name, _text(Path(self.path)), self.validation)
        documents = [
            Document(file.relative_to(self.path).as_posix(), _text(file)) for file in self._files()
        ]
        text = without_copies(split_every(documents, self._every))
        if not text.training:
            raise AuditionError(
                f"{named(Path(self.path))}: every file to train on says what one that validates "
                "says, so nothing is left to train on: give other files"
            )
        return text

    @property
    def _is_file(self) -> bool:
        return not Path(self.path).is_dir()

    @property
    def _every(self) -> int:
        return round(1 / self.validation)

    def _found(self) -> Iterator[Path]:
        """The folder's files that have one of the suffixes, without hidden files and folders."""
        ends = tuple(f".{suffix.lstrip('.')}".lower() for suffix in self.suffixes)
        for folder, below, names in os.walk(self.path):
            below[:] = [b for b in below if not b.startswith(".")]
            for name in names:
                if name.lower().endswith(ends) and not name.startswith("."):
                    yield Path(folder, name)

    def _files(self) -> list[Path]:
        """Those that are not empty, sorted. Raises AuditionError where they are fewer than two."""
        files = [file for file in self._found() if not file.is_file() or file.stat().st_size]
        if len(files) < 2:
            ends = " or ".join(self.suffixes)
            raise AuditionError(
                f"{named(Path(self.path))} has {count(len(files), 'file')} with text that "
                f"{'ends' if len(files) == 1 else 'end'} in {ends}, and two are the fewest of which "
                + (
                    f"one can validate: give the file itself as data.path={files[0]}"
                    if files
                    else "one can validate: name others as 'data.suffixes=[.rst,.py]'"
                )
            )
        return sorted(files, key=lambda file: file.relative_to(self.path).as_posix())


@dataclass(frozen=True, kw_only=True)
class File(Files, Source):
    """The user's text in windows."""


def _text(path: Path) -> str:
    return read(content_of(path), named(path)).text
