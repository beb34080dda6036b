"""Where the ledger is: as `--output-dir X` or `paths.output_dir=X` says, here, or in a folder above."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from audition.command_line import OUTPUTS, output_dir
from audition.errors import AuditionError
from audition.records.store import is_ledger

FLAG = "--output-dir"
SETTING = re.compile(r"\+{0,2}paths\.output_dir=(.*)", re.DOTALL)


def split_output_dir(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """The folder that a line names, by the last of them, and the other words."""
    folder, rest, waiting = None, [], list(words)
    while waiting:
        word = waiting.pop(0)
        if word == FLAG and waiting:
            folder = waiting.pop(0)
        elif word.startswith(f"{FLAG}="):
            folder = word.partition("=")[2]
        elif setting := SETTING.fullmatch(word):
            folder = re.sub(r"""^(['"])(.*)\1$""", r"\2", setting[1], flags=re.DOTALL)
        else:
            rest.append(word)
    return folder, rest


def as_overrides(words: Sequence[str]) -> list[str]:
    """The line with each `--output-dir X` as the override that training reads, where it stood."""
    line, waiting = [], list(words)
    while waiting:
        word = waiting.pop(0)
        if word == FLAG:
            if not waiting:
                raise AuditionError(f"{FLAG} needs a folder: {FLAG} outputs")
            line.append(output_dir(waiting.pop(0)))
        elif word.startswith(f"{FLAG}="):
            line.append(output_dir(word.partition("=")[2]))
        else:
            line.append(word)
    return line


def ledger_root(folder: str | None) -> Path:
    """The root that is named; otherwise `outputs` here, or in the nearest folder above that has it.

    Says on standard error which one was taken where it is not the one here.
    """
    if folder is not None:
        return Path(folder).expanduser()
    here = Path(OUTPUTS)
    if is_ledger(here):
        return here
    found = nearest_ledger()
    if found is not None:
        print(f"audition: the ledger is {found}", file=sys.stderr)
    return found or here


def nearest_ledger() -> Path | None:
    """The `outputs` of the nearest folder above this one that holds a ledger."""
    above = (parent / OUTPUTS for parent in Path.cwd().parents)
    return next((root for root in above if is_ledger(root)), None)
