"""The terminal: where answers are printed, and how their tables look."""

import sys

from rich.console import Console


def console(columns: int = 100) -> Console:
    """Where answers go: standard output, with so many columns where it is not a terminal."""
    width = None if sys.stdout.isatty() else columns
    return Console(width=width, highlight=False, soft_wrap=False)
