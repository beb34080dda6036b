"""Every number in the prose of a paper is from its `numbers.json`: what is found elsewhere is named."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audition.errors import AuditionError

NUMBER = re.compile(r"(?<![\w.\\#&])\d(?:[\d,.]*\d)?(?:e[+−-]?\d+)?(?!\w)")
"""A number that stands alone: not `int8`, not a digest, without its sign."""

NAMED = {
    ".typ": re.compile(r"#[\w-]+\((?:\"[^\"]*\"|<[^>]*>)[^()\[\]]*\);?|//.*"),
    ".tex": re.compile(
        r"(?<!\\)%.*|\\(?:val|citep?|input|label|ref|bibliography|bibliographystyle)\{[^}]*\}"
        r"|\\includegraphics(?:\[[^\]]*\])?\{[^}]*\}"
    ),
    ".md": re.compile(r"\]\([^)]*\)"),
}
"""By the ending of a file, what of its text is a name: of a text, a reference, a file."""


@dataclass(frozen=True)
class Stray:
    """A number that is in no text of `numbers.json`."""

    file: str
    line: int
    number: str
    text: str

    def __str__(self) -> str:
        return f"{self.file} line {self.line}: {self.number} in '{self.text}'"


def known_numbers(plain: Mapping[str, Any], references: Iterable[str] = ()) -> frozenset[str]:
    """Every number that stands in a text or a cell of `numbers.json`, or in a reference."""
    cells = (
        cell
        for table in plain["tables"].values()
        for row in (table["columns"], *table["rows"])
        for cell in row
    )
    return frozenset(
        found for text in (*plain["texts"].values(), *cells, *references) for found in within(text)
    )


def within(text: str) -> Iterator[str]:
    """The numbers of a text.

    Examples:
        >>> list(within("int8 gains +0.012 (95 % 0.010 to 0.014) on 1,024 seeds."))
        ['0.012', '95', '0.010', '0.014', '1,024']
    """
    yield from NUMBER.findall(text)


def strays(name: str, text: str, known: frozenset[str]) -> Iterator[Stray]:
    """The numbers in the prose of the file `name` that are not `known`."""
    ending = Path(name).suffix
    head, begin, body = text.partition(r"\begin{document}")
    shift = 0
    if ending == ".tex" and begin:  # what stands before it is layout
        shift, text = head.count("\n"), body
    for number, line in enumerate(text.splitlines(), start=1 + shift):
        for found in within(NAMED[ending].sub(" ", line)):
            if found not in known:
                yield Stray(name, number, found, " ".join(line.split())[:100])


def check_folder(folder: Path, files: Iterable[str], references: Iterable[str]) -> None:
    """Raise AuditionError for a number in one of `files` of a paper's folder that is its own.

    `references` are texts as a paper cites them, whose years are known numbers.
    """
    if not (folder / "numbers.json").is_file():
        raise AuditionError(
            f"{folder} has no numbers.json: `audition paper --to {folder}` writes it"
        )
    try:
        plain = json.loads((folder / "numbers.json").read_text(encoding="utf-8"))
        known = known_numbers(plain, references)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AuditionError(f"{folder} has a numbers.json that is no paper's ({error})") from None
    found = [
        stray
        for name in files
        if (folder / name).is_file()
        for stray in strays(name, (folder / name).read_text(encoding="utf-8"), known)
    ]
    if found:
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        raise AuditionError(
            f'a number that is not from numbers.json: {found[0]}{more}; name it (#t("…") in Typst, '
            "\\val{…} in LaTeX), or leave it out"
        )
