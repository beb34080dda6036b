"""`checkpoint.shards`: the session of a run that `parallel=fsdp` parts, each process's part by itself.

A folder: torch.distributed.checkpoint's files with the parted tensors, and `rest.pt`, which is written
last, with everything else and the checksums of those files.
"""

import os
import shutil
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from audition.observers.checkpoint import (
    PART,
    SHARDS,
    SHARDS_BEFORE,
    Checkpoint,
    Memory,
    Refused,
    Say,
    Snapshot,
    read_checkpoint,
    settle,
    write_durably,
)
from audition.observers.observer import StepReport
from audition.parallel.shards import Shards, put_back, taken_out
from audition.parallel.team import Team
from audition.plain_file import check_plain
from audition.session import Session

REST = "rest.pt"
CHUNK = 2**24
"""Bytes of a file that are read at once."""


class ShardedCheckpoint(Checkpoint):
    """Saves when the first process finds that it is time; every process of `team` has one of these."""

    def __init__(
        self,
        team: Team,
        folder: Path,
        key: str = "",
        say: Say = lambda text: None,
        memory: Memory = lambda: {},
        *,
        minutes: float = 1.0,
        share: float = 0.02,
    ) -> None:
        super().__init__(folder, key, say, memory, minutes=minutes, share=share)
        assert isinstance(team, Shards)
        self.team = team

    def on_step(self, session: Session, report: StepReport) -> None:
        if self.team.any(self.team.rank == 0 and time.monotonic() >= self.due):
            self.save(session)

    def write(self, snapshot: dict[str, Any]) -> None:
        """Whole on every process, or not there: all learn of one's failure. Raises OSError."""
        parts: dict[str, Any] = {}
        rest = taken_out(snapshot, parts)
        part, first, why = self.folder / PART, self.team.rank == 0, ""
        if first:
            shutil.rmtree(part, ignore_errors=True)
        try:
            # Its files are written through to the disk; a failure of one process is everybody's.
            save(parts, storage_writer=FileSystemWriter(part, sync_files=True))
            rest["files"] = checksums(part, self.team)
            if first:
                _make_last(self.folder, rest)
        except CheckpointException as error:
            why = "; ".join(sorted({str(failure) for failure, _ in error.failures.values()}))
        except OSError as error:
            why = error.strerror or str(error)
        if self.team.any(bool(why)):
            if first:
                shutil.rmtree(part, ignore_errors=True)
            raise OSError(why or "another process could not write its part")


def _make_last(folder: Path, rest: dict[str, Any]) -> None:
    """Complete the new checkpoint, and make it the last one and the last one the one before it."""
    content = BytesIO()
    torch.save(rest, content)
    write_durably(folder / PART / REST, content.getbuffer())
    settle(folder / PART)
    with suppress(FileNotFoundError):
        settle(folder / "metrics.jsonl")
    if (folder / SHARDS).exists():
        shutil.rmtree(folder / SHARDS_BEFORE, ignore_errors=True)
        os.replace(folder / SHARDS, folder / SHARDS_BEFORE)
    os.replace(folder / PART, folder / SHARDS)


def read_shards(path: Path, key: str, team: Team) -> Snapshot:
    """The snapshot in the folder `path`, whole, and taken of the run `key`; of each its part.

    Raises Refused, for every process alike, where one of them finds a file missing or changed.
    """
    assert isinstance(team, Shards)
    why = ""
    rest: dict[str, Any] = {}
    try:
        rest = dict(read_checkpoint(path / REST, key))
        written = rest.pop("files")
        mine = _sums(path, _share(written, team))
        if any(written[name] != number for name, number in mine.items()):
            why = "is damaged"
    except FileNotFoundError:
        why = "is not whole"
    except OSError as error:
        why = f"cannot be read ({type(error).__name__})"
    except Refused as refused:
        why = str(refused) if (path / REST).exists() else "is not whole"
    if team.any(bool(why)):
        raise Refused(why or "is damaged")
    parts: dict[str, Any] = {}
    snapshot: Snapshot = put_back(rest, team, parts)
    try:
        load(parts, storage_reader=FileSystemReader(path))
    except CheckpointException as error:
        raise Refused("cannot be read (CheckpointException)") from error
    return snapshot


def checksums(folder: Path, team: Team) -> dict[str, int]:
    """CRC-32 of each file of the folder, reckoned by one process of the team each.

    Raises OSError on every process where one of them cannot read a file.
    """
    mine: dict[str, int] = {}
    why = ""
    try:
        mine = _sums(folder, _share(os.listdir(folder), team))
    except OSError as error:
        why = error.strerror or str(error)
    told: list[Any] = [None] * team.size
    dist.all_gather_object(told, (mine, why))
    for _, wrong in told:
        if wrong:
            raise OSError(wrong)
    return {name: number for sums, _ in told for name, number in sums.items()}


def _share(names: Iterable[str], team: Team) -> list[str]:
    return sorted(names)[team.rank :: team.size]


def _sums(folder: Path, names: Iterable[str]) -> dict[str, int]:
    found = {}
    for name in names:
        number = 0
        check_plain(folder / name)
        with open(folder / name, "rb") as file:
            while chunk := file.read(CHUNK):
                number = zlib.crc32(chunk, number)
        found[name] = number
    return found
