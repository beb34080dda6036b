"""What one job of a cluster does: its runs, on the pool of the node that it landed on."""

import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audition.errors import AuditionError
from audition.sweep.local import carry_out, pool_settings
from audition.sweep.pool import Job, display_for, warm

UNTIL_KILLED_S = 600.0
"""Longest wait for Slurm to end a job that it has told to leave [s]."""


@dataclass(frozen=True, kw_only=True)
class Pack:
    """Called on a compute node; put back into the queue, it goes on from the checkpoints."""

    jobs: tuple[Job, ...]
    execution: Mapping[str, Any]  # of all its runs
    runs_per_gpu: int | None
    grace_s: float  # for checkpoints, between a signal and the end
    probe: str  # file that the submitting machine wrote
    token: str  # what it wrote there

    def __call__(self) -> None:
        """Carry out the runs that have no outcome yet.

        Raises AuditionError where this node does not see the ledger of the submitting machine.
        """
        check_probe(Path(self.probe), self.token)
        signal.signal(signal.SIGTERM, _leave)
        fitting = pool_settings(self.execution, runs_per_gpu=self.runs_per_gpu)
        settings = replace(
            fitting, workers=min(fitting.workers, len(self.jobs)), grace_s=self.grace_s
        )
        try:
            with warm(settings) as server:
                carry_out(self.jobs, settings, server, display_for())
        except _ToldToLeave:
            # The runs have their checkpoints. Whether the job is cancelled, or put back into the
            # queue, is for Slurm to say: a job that ends by itself now counts as failed.
            time.sleep(UNTIL_KILLED_S)
            raise

    def checkpoint(self) -> Any:
        """The same pack, for submitit to put back into the queue: runs keep their own checkpoints."""
        import submitit

        return submitit.helpers.DelayedSubmission(self)


def check_probe(probe: Path, token: str) -> None:
    """Raises AuditionError where `probe` does not hold `token` here."""
    try:
        found = probe.read_text(encoding="utf-8")
    except OSError:
        found = ""
    if found != token:
        raise AuditionError(
            f"this node does not see {probe.parent} of the submitting machine: choose a "
            "paths.output_dir on a shared file system"
        )


class _ToldToLeave(SystemExit):
    """SIGTERM came."""


def _leave(number: int, frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise _ToldToLeave(128 + number)
