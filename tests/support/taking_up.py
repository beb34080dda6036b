"""A run taken up where its folder left it, and trained alone."""

from collections.abc import Callable, Sequence
from pathlib import Path

from audition.observers.checkpoint import Say, Snapshot
from audition.observers.observer import Observer
from audition.training.job import Job, Outcome
from audition.training.loop import Run, train_alone
from audition.training.resume import reopened


def train_on(
    job: Job,
    observers: Sequence[Observer],
    *,
    folder: Path,
    key: str,
    say: Say,
    interrupted: Callable[[int], bool],
    recall: Callable[[Snapshot | None], None] = lambda snapshot: None,
) -> Outcome:
    """Train `job` on from the newest checkpoint in `folder` that fits it, else from the start."""
    session, opening, snapshot = reopened(job, folder=folder, key=key, say=say)
    recall(snapshot)
    return train_alone(Run(job, session, (opening, *observers), interrupted))
