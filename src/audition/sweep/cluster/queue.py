"""What Slurm's queue says of jobs, asked of `squeue` alone: a cluster may keep no accounts."""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from audition.errors import AuditionError

OVER = {
    "BOOT_FAIL": "its node did not boot",
    "CANCELLED": "it was cancelled",
    "COMPLETED": "it ended without one",
    "DEADLINE": "it would have missed its deadline",
    "FAILED": "its process died",
    "NODE_FAIL": "its node failed",
    "OUT_OF_MEMORY": "it ran out of memory",
    "PREEMPTED": "it was preempted and not put back into the queue",
    "TIMEOUT": "it reached its time limit and was not put back into the queue",
}
"""State of a job that will not go on -> why its run has no outcome."""

HELD = ("launch failed", "JobHoldMaxRequeue", "JobHeldAdmin", "requeued in held state")
"""Reasons for which Slurm itself keeps a job from starting until an administrator releases it."""

FORGOTTEN = "the queue does not know it any more"
PATIENCE_S = 60.0
"""Time for one answer of a busy controller [s]."""


@dataclass(frozen=True)
class JobState:
    """A job as the queue sees it."""

    word: str  # Slurm's own: PENDING, RUNNING, ...; "" once the queue has forgotten it
    reason: str = ""  # why it waits, in Slurm's words
    began: float | None = None  # of a job on a node, by the controller's clock [s since 1970]

    @property
    def alive(self) -> bool:
        """Whether it may still do something."""
        return self.word != "" and self.word not in OVER

    @property
    def stuck(self) -> bool:
        """Whether it will wait until a person does something about it."""
        return self.waits and any(word in self.reason for word in HELD)

    @property
    def waits(self) -> bool:
        """Whether it is in the queue and not on a node."""
        return self.alive and self.word in ("PENDING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT")

    @property
    def goes_on(self) -> bool:
        """Whether it may still do something without a person's help."""
        return self.alive and not self.stuck

    def end(self) -> str:
        """Why a run of this job, which is over or stuck, has no outcome."""
        if self.stuck:
            return f"Slurm holds it ({self.reason}), and `scontrol release` lets it go on"
        return OVER.get(self.word, FORGOTTEN)


def require_slurm() -> None:
    """Raises AuditionError where this machine cannot talk to a Slurm cluster."""
    for command in ("sbatch", "squeue", "scancel"):
        if shutil.which(command) is None:
            raise AuditionError(
                f"Slurm's {command} is not on this machine: start the sweep where it is, or leave "
                "hydra/launcher out to train here"
            )


def states(ids: Iterable[str], arrays: Sequence[str]) -> Mapping[str, JobState] | None:
    """The state of each job, asked by the arrays they belong to; None where Slurm does not answer."""
    command = ["squeue", "--noheader", "--array", "--states=all", "--format=%i|%T|%S|%r"]
    known: dict[str, JobState] = {}
    # One question an array: squeue answers nothing at all where one of several is forgotten.
    for array in arrays:
        answer = _ask([*command, f"--jobs={array}"])
        if answer is None:
            return None
        known |= parse(answer)
    return {job: known.get(job, JobState("")) for job in ids}


def parse(answer: str) -> dict[str, JobState]:
    """`12_3|PENDING|N/A|Resources` a line (id, state, begin, reason), to job -> state."""
    rows = (line.split("|", 3) for line in answer.splitlines() if line.count("|") >= 3)
    found = {
        job.strip(): (JobState(word.strip(), _reason(why)), begin) for job, word, begin, why in rows
    }
    # The begin of a job that waits is a guess of the scheduler's.
    return {
        job: state if state.waits else replace(state, began=_seconds(begin.strip()))
        for job, (state, begin) in found.items()
    }


def why_waiting(states: Iterable[JobState]) -> str:
    """` (Resources, COMPLETING)`: the commonest reasons why jobs wait, or the states they are in.

    Slurm calls a job COMPLETING until its node has answered; where it never does, that is why
    nothing goes on. Empty without any.
    """
    held_up = (state for state in states if state.alive and state.word != "RUNNING")
    why = Counter(state.reason if state.waits else state.word for state in held_up)
    del why[""]
    return f" ({', '.join(word for word, _ in why.most_common(2))})" if why else ""


def cancel(arrays: Sequence[str]) -> None:
    """End jobs, waiting or running. Raises AuditionError where Slurm does not do it."""
    answer = subprocess.run(
        ["scancel", *arrays], capture_output=True, encoding="utf-8", errors="replace"
    )
    if answer.returncode != 0:
        raise AuditionError(f"scancel did not end the jobs: {' '.join(answer.stderr.split())}")


def _ask(command: Sequence[str]) -> str | None:
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE_S,
            env={**os.environ, "SLURM_TIME_FORMAT": "standard"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode == 0:
        return answer.stdout
    # A controller forgets jobs some minutes after their end.
    return "" if "Invalid job id" in answer.stderr else None


def _reason(text: str) -> str:
    return "" if text.strip() in ("None", "(null)") else text.strip()


def _seconds(text: str) -> float | None:
    """A local time as seconds since 1970; None where it is none."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None
