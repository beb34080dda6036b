"""The processes of a soak, found by a mark in their environment, whoever started them."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "AUDITION_SOAK"
"""Variable of the environment that every process of a soak inherits."""
SERVER = "audition.sweep.pool.server"
JOB = "submitit.core._submit"
LOCAL = "submitit.local._local"
"""What the processes are started as: a fork server, a job of submitit's, and a keeper of one here."""


@dataclass(frozen=True)
class Process:
    """One process that runs now."""

    pid: int
    parent: int
    command: str


@dataclass(frozen=True)
class Cast:
    """The processes with one mark, by what they are to the harness."""

    everyone: tuple[Process, ...]

    @property
    def jobs(self) -> list[Process]:
        """What submitit started: a run of the local launcher, several runs of a Slurm job."""
        return [each for each in self.everyone if JOB in each.command]

    @property
    def servers(self) -> list[Process]:
        """The fork servers of pools."""
        forked = self._forked()
        return [each for each in self.everyone if SERVER in each.command and each not in forked]

    @property
    def workers(self) -> list[Process]:
        """Each trains one run: the children of a fork server, and the jobs of the local launcher."""
        return [*self._forked(), *self._below(LOCAL, JOB)]

    def _forked(self) -> list[Process]:
        return self._below(SERVER, SERVER)

    def _below(self, parents: str, children: str) -> list[Process]:
        above = {each.pid for each in self.everyone if parents in each.command}
        return [p for p in self.everyone if children in p.command and p.parent in above]


def cast(mark: str) -> Cast:
    """Everyone alive who carries `mark`."""
    return Cast(tuple(_marked(f"{MARK}={mark}".encode())))


def all_gone(mark: str, seconds: float) -> bool:
    """Whether nobody who carries `mark` is left within `seconds`."""
    until = time.monotonic() + seconds
    while cast(mark).everyone:
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


def end_all(mark: str) -> None:
    """Kill everyone who carries `mark`."""
    for process in cast(mark).everyone:
        kill(process.pid)


def kill(pid: int) -> bool:
    """SIGKILL; whether there was somebody to kill."""
    with suppress(OSError):
        os.kill(pid, 9)
        return True
    return False


def _marked(mark: bytes) -> Iterator[Process]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                # The name in parentheses may itself hold spaces and parentheses.
                fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if fields[0] not in "ZX":
                    yield Process(int(folder.name), int(fields[1]), words)
