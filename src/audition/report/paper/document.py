"""A document as values: paragraphs, tables, figures, whose numbers are names in `numbers.json`.

The text of a paragraph has no digit of its own: `{plan.digest}` stands for a text of that name, and
`[@holm1979]` for a reference. Each format says in its own words what they become.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audition.errors import AuditionError

MARK = re.compile(r"\{([\w.-]+)\}|\[@(\w+)\]")
"""A name of a text, or of a reference."""
DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class Grid:
    """A table: its headings, and the cells of its rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Numbers:
    """All that a paper may say: texts and tables by name, and the verdicts they were made from."""

    texts: Mapping[str, str]
    tables: Mapping[str, Grid]
    verdicts: Sequence[Mapping[str, Any]] = ()

    def plain(self) -> dict[str, Any]:
        """The content of `numbers.json`."""
        tables = {n: {"columns": t.columns, "rows": t.rows} for n, t in self.tables.items()}
        return {"texts": dict(self.texts), "tables": tables, "verdicts": list(self.verdicts)}


@dataclass(frozen=True)
class Section:
    """A heading, which is no number either; `level` 1 is a section of the paper."""

    title: str
    level: int = 1


@dataclass(frozen=True)
class Paragraph:
    """Prose."""

    text: str


@dataclass(frozen=True)
class Items:
    """Sentences, one to a line."""

    texts: Sequence[str]


@dataclass(frozen=True)
class Table:
    """A table of `numbers.json`, and what it shows; `small` where it has many columns."""

    name: str
    caption: str
    small: bool = False


@dataclass(frozen=True)
class Figure:
    """A file of `figures/`, and what it shows."""

    name: str
    caption: str


@dataclass(frozen=True)
class Listing:
    """A text of `numbers.json` that is typed: commands."""

    name: str


@dataclass(frozen=True)
class Break:
    """Where a new page, or a slide, begins."""


Block = Section | Paragraph | Items | Table | Figure | Listing | Break


@dataclass(frozen=True)
class Document:
    """A paper, or slides: its title and abstract, and what follows."""

    title: str
    abstract: str
    blocks: Sequence[Block] = field(default_factory=tuple)

    def prose(self) -> Iterator[str]:
        """Every text that a reader reads and no table has."""
        yield from (self.title, self.abstract)
        for block in self.blocks:
            match block:
                case Section(title=text) | Paragraph(text=text):
                    yield text
                case Table(caption=text) | Figure(caption=text):
                    yield text
                case Items(texts=texts):
                    yield from texts

    def cited(self) -> set[str]:
        """The references that it names."""
        return {cite for text in self.prose() for _, cite in MARK.findall(text) if cite}

    def check(self, numbers: Numbers) -> None:
        """Raise AuditionError for a digit of its own, or a name that `numbers` lacks."""
        for text in self.prose():
            if DIGIT.search(MARK.sub("", text)):
                raise AuditionError(
                    f"a number of a paper is named, and this one is written: '{text}'"
                )
            for name, _ in MARK.findall(text):
                if name and name not in numbers.texts:
                    raise AuditionError(f"numbers.json has no text '{name}'")


def rendered(
    text: str,
    plain: Callable[[str], str],
    named: Callable[[str], str],
    cited: Callable[[str], str],
) -> str:
    """`text` with its plain parts, its names and its references as a format writes them.

    Examples:
        >>> rendered("p {a.p} [@holm1979]", str.upper, "<{}>".format, "({})".format)
        'P <a.p> (holm1979)'
    """
    parts: list[str] = []
    at = 0
    for found in MARK.finditer(text):
        parts.append(plain(text[at : found.start()]))
        parts.append(named(found[1]) if found[1] else cited(found[2]))
        at = found.end()
    return "".join([*parts, plain(text[at:])])


def joined(names: Iterable[str]) -> str:
    """`a, b and c`."""
    *first, last = list(names) or [""]
    return f"{', '.join(first)} and {last}" if first else last
