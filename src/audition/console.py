"""The terminal: where answers are printed, and how tables look."""

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

LINE_END = re.compile(r"(?: |\x1b\[[\d;]*m)+$", re.MULTILINE)
"""Blanks, and codes of colour between them."""


class _Console(Console):
    """One whose lines end with their last letter, where Rich fills them up with blanks."""

    def print(self, *objects: Any, **how: Any) -> None:
        with self.capture() as shown:
            super().print(*objects, **how)
        # Not by `out`: where the reader of a pipe has left, the command says what happens.
        self.file.write(LINE_END.sub(lambda end: end[0].replace(" ", ""), shown.get()))
        self.file.flush()


def console(columns: int = 100) -> Console:
    """Where answers go: standard output, with so many columns where it is not a terminal."""
    width = None if sys.stdout.isatty() else columns
    return _Console(width=width, highlight=False, soft_wrap=False)


def say(text: str) -> None:
    """A line on standard error."""
    print(f"audition: {text}", file=sys.stderr)


def table(headings: Sequence[str], rows: Iterable[Sequence[str | Text]], *, gap: int = 2) -> Table:
    """A table without lines.

    A heading that begins with `>` puts its column on the right, unbroken, as numbers are read; the
    other columns break their text where the terminal is narrow. Cells are text as it is, not markup.
    `gap` is the number of columns between two cells.
    """
    made = Table(box=None, header_style="dim", pad_edge=False, padding=(0, gap, 0, 0))
    for heading in headings:
        right = heading.startswith(">")
        made.add_column(
            Text(heading.removeprefix(">")),
            justify="right" if right else "left",
            no_wrap=right,
            overflow="ellipsis" if right else "fold",
        )
    for cells in rows:
        made.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))
    return made
