"""The terminal: where answers are printed, how tables look, and how a command is written there."""

import shlex
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text


def console(columns: int = 100) -> Console:
    """Where answers go: standard output, with so many columns where it is not a terminal."""
    width = None if sys.stdout.isatty() else columns
    return Console(width=width, highlight=False, soft_wrap=False)


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


def train_command(*words: str) -> str:
    """What to type to train with the overrides `words`, by the command that is in use.

    A folder of the reader's own configs that was named on the command line is named again.
    """
    return shlex.join((*train_door(), *config_folder(sys.argv), *words))


def config_folder(line: Sequence[str]) -> tuple[str, ...]:
    """The words of a command line that name a folder of the reader's own configs."""
    return tuple(
        word
        for before, word in pairwise(line)
        if before in ("--config-dir", "-cd") or word == "-cd" or word.startswith("--config-dir")
    )


def train_door() -> tuple[str, ...]:
    """The command that trains: `python -m src.train` in a checkout, else `audition train`."""
    own = Path(sys.argv[0]).name.startswith("audition") or not Path("src/train.py").is_file()
    return ("audition", "train") if own else ("python", "-m", "src.train")
