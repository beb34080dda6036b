"""`checkpoint.pt`: the session on disk, so that an interrupted run goes on where it was."""

import os
import time
from pathlib import Path
from pickle import UnpicklingError
from typing import Annotated, Any

import torch
from annotated_types import Gt

from audition.observers.observer import Observer, StepReport
from audition.session import Session

NAME = "checkpoint.pt"


class Checkpoint(Observer):
    """Saves every `minutes` and when a run is interrupted; removes the file once the run is done."""

    def __init__(self, folder: Path, *, minutes: Annotated[float, Gt(0)] = 5.0) -> None:
        self.path = folder / NAME
        self.seconds = 60.0 * minutes
        self.saved = time.monotonic()

    def on_step(self, session: Session, report: StepReport) -> None:
        if time.monotonic() - self.saved >= self.seconds:
            self._save(session)

    def on_end(self, session: Session, status: str) -> None:
        if status == "interrupted":
            self._save(session)
        else:
            self.path.unlink(missing_ok=True)

    def _save(self, session: Session) -> None:
        part = self.path.with_suffix(".part")
        torch.save(session.snapshot(), part)
        os.replace(part, self.path)
        self.saved = time.monotonic()


def last_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The snapshot in `folder`, or None where there is none that can be read whole."""
    try:
        snapshot: dict[str, Any] = torch.load(folder / NAME, weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, UnpicklingError):
        return None
    return snapshot
