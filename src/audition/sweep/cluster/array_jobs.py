"""What one job of a cluster's array does: some runs, or a command; both go on when it is put back."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from audition.errors import AuditionError
from audition.sweep.local import carry_out, pool_settings
from audition.sweep.plan import HANDED_OUT
from audition.sweep.pool import Job, display_for, warm

UNTIL_KILLED_S = 600.0
"""Longest wait for Slurm to end a job that it has sent SIGTERM [s]."""


@dataclass(frozen=True, kw_only=True)
class ArrayJob:
    """Called on a compute node by submitit, which unpickles it there."""

    probe: str  # file that the submitting machine wrote
    token: str  # what it wrote there
    runs: tuple[str, ...] = ()  # folders of its runs, below the ledger's `runs/`

    def __call__(self) -> None:
        """Do the work.

        Raises AuditionError where this node does not see the ledger of the submitting machine.
        """
        probe = Path(self.probe)
        try:
            found = probe.read_text(encoding="utf-8")
        except OSError:
            found = ""
        if found != self.token:
            raise AuditionError(
                f"this node does not see {probe.parent} of the submitting machine: choose a "
                "paths.output_dir on a shared file system"
            )
        self.work()

    def work(self) -> None:
        """What the job is for. After SIGTERM it must wait (`UNTIL_KILLED_S`) to be ended: whether it
        is cancelled or put back into the queue is Slurm's decision, and a job that leaves by itself
        counts as failed.
        """
        raise NotImplementedError

    def checkpoint(self) -> Any:
        """The same job, for submitit to put back into the queue: runs keep their own checkpoints."""
        import submitit

        return submitit.helpers.DelayedSubmission(self)


@dataclass(frozen=True, kw_only=True)
class Runs(ArrayJob):
    """Some runs, on the pool of the node that the job landed on."""

    jobs: tuple[Job, ...]
    execution: Mapping[str, Any]  # of all its runs
    processes: int  # of a run, on one node
    runs_per_gpu: int | None
    grace_s: float  # for checkpoints, between a signal and the end

    def work(self) -> None:
        """Train the runs that have no outcome yet."""
        signal.signal(signal.SIGTERM, _leave)
        fitting = pool_settings(
            self.execution, runs_per_gpu=self.runs_per_gpu, processes=self.processes
        )
        settings = replace(
            fitting, workers=min(fitting.workers, len(self.jobs)), grace_s=self.grace_s
        )
        try:
            with warm(settings) as server:
                carry_out(self.jobs, settings, server, display_for())
        except _Terminated:
            time.sleep(UNTIL_KILLED_S)
            raise


@dataclass(frozen=True, kw_only=True)
class Command(ArrayJob):
    """A command line, in a process of its own whose exit status becomes the job's."""

    words: tuple[str, ...]
    folder: str  # where it was typed

    def work(self) -> None:
        """Run it, and pass SIGTERM on to it."""
        # What `auto` was settled as where the command was typed is told by `arm`, here alone.
        environment = {**os.environ, HANDED_OUT: "1"}
        process = subprocess.Popen(self.words, cwd=self.folder, env=environment)
        told: list[int] = []

        def pass_on(number: int, frame: FrameType | None) -> None:
            told.append(number)
            process.terminate()

        signal.signal(signal.SIGTERM, pass_on)
        try:
            code = process.wait()
        finally:
            # submitit leaves by SystemExit once it has put a job back that was warned of its end.
            process.terminate()
            process.wait()
        if told:
            time.sleep(UNTIL_KILLED_S)
        sys.exit(code)


class _Terminated(SystemExit):
    """SIGTERM came."""


def _leave(number: int, frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise _Terminated(128 + number)
