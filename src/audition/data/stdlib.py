"""A second domain that every machine has: the source of Python's standard library."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from sysconfig import get_path

from audition.data.corpus import Corpus
from audition.data.fingerprint import fingerprint
from audition.data.source import Source
from audition.data.text import Document, Text, split_every

EVERY = 10
"""One file in this many, by sorted path, validates."""

_NOT_SOURCE = {"__pycache__", "site-packages", "dist-packages"}
_TESTS = {"test", "tests", "idle_test"}


@dataclass(frozen=True, kw_only=True)
class Modules(Corpus):
    """The .py files of the running interpreter without its tests, each a document."""

    @property
    def text_fingerprint(self) -> str:
        return _fingerprint()

    def text(self) -> Text:
        return split_every(tuple(_documents()), EVERY)


@dataclass(frozen=True, kw_only=True)
class StandardLibrary(Modules, Source):
    """The library's source in windows; every tenth file validates."""


@cache
def _fingerprint() -> str:
    """Of the interpreter and of every file's place and size; reading 10 MB would take too long."""
    sizes = {name: path.stat().st_size for name, path in _files()}
    return fingerprint({"version": sys.version, "sizes": sizes, "every": EVERY})


def _files() -> list[tuple[str, Path]]:
    """(posix path within the library, file), sorted."""
    library = Path(get_path("stdlib"))
    found = []
    for folder, below, names in os.walk(library):
        below[:] = [b for b in below if b not in _NOT_SOURCE | _TESTS]
        for name in names:
            # `_sysconfigdata_…` holds this machine's paths.
            if name.endswith(".py") and not name.startswith("_sysconfigdata"):
                path = Path(folder, name)
                found.append((path.relative_to(library).as_posix(), path))
    return sorted(found)


def _documents() -> Iterator[Document]:
    """The files that are UTF-8, which nearly all are, and that are not empty."""
    for name, path in _files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if text:
            yield Document(name, text)
