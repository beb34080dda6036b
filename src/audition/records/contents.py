"""What a ledger holds in all its folders, and every file there that cannot be used."""

from dataclasses import replace
from pathlib import Path

from audition.plain_file import Unreadable
from audition.records.devices import DEVICES
from audition.records.folder import Folder
from audition.records.placebos import PLACEBOS
from audition.records.races import RACES
from audition.records.registration import PLANS
from audition.records.sprints import SPRINTS
from audition.records.store import Contents, Ledger
from audition.records.studies import STUDIES
from audition.records.submission import SUBMISSIONS
from audition.records.tuned import TUNED

SAMPLE = "sample.txt"
"""Beside the record of a language model: what it makes of held-out text (`keep.text`)."""

FOLDERS: tuple[Folder, ...] = (  # type: ignore[type-arg]
    PLANS,
    STUDIES,
    TUNED,
    RACES,
    PLACEBOS,
    SUBMISSIONS,
    SPRINTS,
    DEVICES,
)


def contents_of(ledger: Ledger) -> Contents:
    """The records, and the files of any kind that cannot be read, or were edited."""
    contents = ledger.read()
    each = {file.path: file for file in (*contents.unreadable, *unusable(ledger.root))}
    return replace(contents, unreadable=tuple(each.values()))


def unusable(root: Path) -> tuple[Unreadable, ...]:
    """The files beside the runs of the ledger at `root` that are not what their folder holds."""
    return tuple(each for folder in FOLDERS for each in folder.read(root)[1])
