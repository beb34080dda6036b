"""Commands as a reader can type them: the one that trains, those of `audition`, and their ledger."""

import re
import shlex
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

OUTPUTS = "outputs"
"""The default folder of a ledger."""
PLAIN = re.compile(r"[A-Za-z/][\w./-]*", re.ASCII)
"""Folders that Hydra reads as they are, but for the words that it reads as values."""


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


def audition_command(command: str, root: Path) -> str:
    """`audition verdict`, with `--output-dir` unless the ledger is in the default folder."""
    where = "" if _is_default(root) else f" --output-dir {shlex.quote(str(root))}"
    return f"audition {command}{where}"


def in_ledger(root: Path) -> tuple[str, ...]:
    """The override that files runs in the ledger at `root`; none for the default folder."""
    return () if _is_default(root) else (output_dir(str(root)),)


def output_dir(folder: str) -> str:
    """`paths.output_dir=X`, in quotes where Hydra would read X as something else than a text."""
    if PLAIN.fullmatch(folder) and folder.lower() not in ("null", "true", "false", "nan", "inf"):
        return f"paths.output_dir={folder}"
    return "paths.output_dir=" + in_quotes(folder, "'")


def in_quotes(text: str, quote: str = '"') -> str:
    """A text in quotes for Hydra, which reads a bare comma as a sweep and a hash of digits as a number.

    A backslash is one of Hydra's own only before a quote.
    """
    escaped = re.sub(
        rf"(\\*)({quote}|$)", lambda at: at[1] * 2 + at[2].replace(quote, f"\\{quote}"), text
    )
    return f"{quote}{escaped}{quote}"


def _is_default(root: Path) -> bool:
    return root.absolute() == Path(OUTPUTS).absolute()
