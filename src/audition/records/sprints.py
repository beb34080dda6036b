"""The ledger's record of a sprint: its time, the seeds that were to fit, and those that were judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from audition.records.folder import Folder


@dataclass(frozen=True, kw_only=True)
class Sprint:
    """One command with `+sprint=MINUTES`."""

    began: str  # ISO 8601, UTC
    ended: str
    minutes: float | int
    plan: str  # digest of the registered plan
    command: str
    arms: int  # the baseline included
    seeds: tuple[int, ...]  # of the plan
    complete: tuple[int, ...]  # those that every arm has an outcome of, which alone are judged
    trained: int  # runs that came to an outcome in it
    workers: int
    pace: Mapping[str, float]  # arm -> seconds that a run was expected to take
    end: Literal["done", "bell", "stopped"]
    """Whether all was done, the time was up, or somebody stopped it."""


def _stem(began: str) -> str:
    return began.replace(":", "-").replace("+00-00", "Z")


def _misfit(found: Sprint, stem: str) -> str:
    return "" if stem.startswith(_stem(found.began)) else "is of another time than its name says"


SPRINTS = Folder("sprints", Sprint, misfit=_misfit)
"""One file a sprint, by the time it began."""


def file_sprint(root: Path, sprint: Sprint) -> Path:
    """Write it under its time; one of the same second stays, and this one's name gets a number."""
    stem = _stem(sprint.began)
    number = 1
    while SPRINTS.path(root, name := stem if number == 1 else f"{stem}.{number}").exists():
        number += 1
    return SPRINTS.write(root, name, sprint)
