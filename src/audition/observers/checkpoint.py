"""`checkpoint.pt`: the session on disk, so that a run that was stopped or killed goes on."""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from typing import Annotated, Any
from zipfile import BadZipFile, ZipFile

import torch
from annotated_types import Gt

from audition.observers.observer import Observer, StepReport
from audition.plain_file import check_plain
from audition.session import Session

NAME, PREVIOUS, PART = "checkpoint.pt", "checkpoint.previous.pt", "checkpoint.part"
SHARDS, SHARDS_BEFORE = "checkpoint.shards", "checkpoint.previous.shards"
"""Folders that take the place of the first two where the processes of a run part its tensors."""
SCHEMA = 2

Say = Callable[[str], None]
"""Where a sentence goes that a person should read, and the record should keep."""

Memory = Callable[[], Mapping[str, Any]]
"""What others than the session want remembered; no bit of the run may depend on it."""

Snapshot = Mapping[str, Any]
"""What a checkpoint holds: the session's own snapshot, the memories, and what run it is of."""


class Refused(Exception):
    """A checkpoint that cannot be used, and why, as the end of a sentence about it."""


class Checkpoint(Observer):
    """Saves every `minutes` and when a run is interrupted; keeps the last one and the one before.

    A disk that is full costs the checkpoint, never the run.

    Args:
        folder: of the run.
        key: of the run, by which a checkpoint is known to be its own.
        say: hears when a checkpoint could not be written, once until the next one is.
        memory: what stands beside the session in a checkpoint.
        minutes: between two checkpoints: what a run that is killed repeats at most.
        share: of a run's time that checkpoints may take; where they are slow, they come less often.
    """

    def __init__(
        self,
        folder: Path,
        key: str = "",
        say: Say = lambda text: None,
        memory: Memory = lambda: {},
        *,
        minutes: Annotated[float, Gt(0)] = 1.0,
        share: Annotated[float, Gt(0)] = 0.02,
    ) -> None:
        self.folder, self.key, self.say, self.memory = folder, key, say, memory
        self.seconds, self.share = 60.0 * minutes, share
        self.due = time.monotonic() + self.seconds
        self.complained = False

    def on_step(self, session: Session, report: StepReport) -> None:
        if time.monotonic() >= self.due:
            self.save(session)

    def on_end(self, session: Session, status: str) -> None:
        if status == "interrupted":
            self.save(session)

    def save(self, session: Session) -> None:
        """Write a checkpoint, or say why there is none."""
        begun = time.monotonic()
        belongs = {"schema": SCHEMA, "key": self.key, "torch": str(torch.__version__)}
        try:
            self.write({**belongs, **self.memory(), **session.snapshot()})
            self.complained = False
        except OSError as error:
            if not self.complained:
                self.say(f"no checkpoint at step {session.step}: {error.strerror or error}")
            self.complained = True
        ended = time.monotonic()
        self.due = ended + max(self.seconds, (ended - begun) / self.share)

    def write(self, snapshot: dict[str, Any]) -> None:
        """Make `snapshot` the last checkpoint; raises OSError, and leaves the others as they were."""
        # To memory first: torch's own writer turns a full disk into an error that does not say so.
        content = BytesIO()
        torch.save(snapshot, content)
        write_checkpoint(self.folder, content.getbuffer())


def write_checkpoint(folder: Path, content: memoryview) -> None:
    """Make `content` the last checkpoint and the last one the one before it.

    Whenever the process or the machine dies, at least one of the two is whole. What the run has
    said so far becomes as durable as the checkpoint, so that a resumed run's metrics have no gap.
    Raises OSError, and leaves both as they were.
    """
    part, last = folder / PART, folder / NAME
    try:
        write_durably(part, content)
        with suppress(FileNotFoundError):
            settle(folder / "metrics.jsonl")
        with suppress(FileNotFoundError):
            os.replace(last, folder / PREVIOUS)
        os.replace(part, last)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


def kept(folder: Path) -> tuple[Path, ...]:
    """The checkpoints in `folder`, the newest first."""
    names = (NAME, SHARDS, PREVIOUS, SHARDS_BEFORE)
    return tuple(path for name in names if (path := folder / name).exists())


def read_checkpoint(path: Path, key: str) -> Snapshot:
    """The snapshot at `path`, whole, and taken of the run `key`.

    Raises Refused for one that is cut short, has a bit turned over, or is of another run.
    """
    try:
        check_plain(path)
        # torch reads an archive without looking at its checksums.
        with ZipFile(path) as archive:
            if archive.testzip() is not None:
                raise Refused("is damaged")
        snapshot = torch.load(path, weights_only=True)
    except (BadZipFile, EOFError):
        raise Refused("is not whole") from None
    except (OSError, RuntimeError, ValueError, UnpicklingError, KeyError) as error:
        raise Refused(f"cannot be read ({type(error).__name__})") from None
    if not isinstance(snapshot, dict) or snapshot.get("schema") != SCHEMA:
        raise Refused("was not written by this version of Audition")
    if snapshot["key"] != key:
        raise Refused("is of another run")
    return snapshot


def set_aside(path: Path) -> None:
    """Keep a refused checkpoint out of the way, where no later one overwrites the last good one."""
    refused = path.with_suffix(".refused")
    with suppress(OSError):
        if refused.is_dir():
            shutil.rmtree(refused)
        os.replace(path, refused)


def discard_checkpoints(folder: Path) -> None:
    """Remove what a run with an outcome on file no longer needs."""
    for name in (NAME, PREVIOUS, SHARDS, SHARDS_BEFORE, PART):
        with suppress(OSError):
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def write_durably(path: Path, content: memoryview) -> None:
    """A file that is on the disk when this returns; raises OSError."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def settle(path: Path) -> None:
    """Return once what was written to the file or folder `path` is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
