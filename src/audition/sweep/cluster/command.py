"""A command as the jobs of an array, put back into the queue where they are cut off."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from audition.records.submission import (
    Submission,
    SubmittedJob,
    keep,
    submissions,
    submitted_now,
)
from audition.sweep.cluster import queue
from audition.sweep.cluster.follow import ASK_EVERY_S, SAY_EVERY_S, SILENCE_S, asker
from audition.sweep.cluster.pack import UNTIL_KILLED_S, check_probe
from audition.sweep.cluster.queue import JobState
from audition.sweep.cluster.settings import Cluster
from audition.sweep.cluster.submit import enqueue, write_probe
from audition.sweep.plan import HANDED_OUT
from audition.text import count

GRACE_S = 5.0
"""Between the two looks that must agree before the jobs are taken to be gone [s]."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """Called on a compute node."""

    words: tuple[str, ...]
    folder: str  # where it was typed
    probe: str  # file that the submitting machine wrote
    token: str  # what it wrote there

    def __call__(self) -> None:
        """Run it in a process of its own, with its exit status.

        Raises AuditionError where this node does not see the ledger of the submitting machine.
        """
        check_probe(Path(self.probe), self.token)
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
            # Whether the job is cancelled, or put back into the queue, is for Slurm to say.
            time.sleep(UNTIL_KILLED_S)
        sys.exit(code)

    def checkpoint(self) -> Any:
        """The same command, for submitit to put back into the queue."""
        import submitit

        return submitit.helpers.DelayedSubmission(self)


def submit_command(
    words: Sequence[str], jobs: int, cluster: Cluster, code: Path, root: Path, name: str
) -> Submission:
    """Hand so many jobs of that command to Slurm as one array; returns at once.

    code: folder to import from. root: the ledger, in which the submission is kept under `name`.
    Raises AuditionError where the cluster does not take them.
    """
    probe, token = write_probe(root)
    command = Command(words=tuple(words), folder=str(Path.cwd()), probe=str(probe), token=token)
    queued = enqueue([command] * jobs, cluster, code)
    submitted = tuple(
        SubmittedJob(id=str(job.job_id), runs=(), log=str(job.paths.stderr)) for job in queued
    )
    submission = submitted_now(name, "slurm", submitted, str(probe))
    keep(root, submission)
    return submission


def living(root: Path, name: str) -> Submission | None:
    """The latest submission kept under `name` of which some job may still do something."""
    for each in reversed(submissions(root)):
        if each.plan == name and any(map(goes_on, (asker(each)() or {}).values())):
            return each
    return None


def await_one(submission: Submission, tell: Callable[[Mapping[str, JobState]], str]) -> None:
    """Return once one job has come to its end, and take those that wait out of the queue.

    Returns too where none will go on. tell: what to say of the jobs as they are now. Raises
    TimeoutError where the queue has not answered for a quarter of an hour.
    """
    ask = asker(submission)
    heard = said = time.monotonic()
    gone, before = 0.0, ""
    while True:
        jobs, now = ask(), time.monotonic()
        if jobs is not None:
            heard = now
            if any(state.word == "COMPLETED" for state in jobs.values()):
                waiting = [job for job, state in jobs.items() if state.waits]
                return queue.cancel(waiting) if waiting else None
            gone = 0.0 if any(map(goes_on, jobs.values())) else gone or now
            if gone and now - gone > GRACE_S:
                return None
            if (not before or now - said >= SAY_EVERY_S) and (text := tell(jobs)) != before:
                print(f"audition: {text}", file=sys.stderr)
                before, said = text, now
        elif now - heard > SILENCE_S:
            raise TimeoutError(f"Slurm's queue has not answered for {SILENCE_S / 60:.0f} minutes")
        time.sleep(min(ASK_EVERY_S, 1.0 + 0.01 * len(submission.jobs)))


def goes_on(state: JobState) -> bool:
    """Whether a job may still do something without a person's help."""
    return state.alive and not state.stuck


def summary(jobs: Mapping[str, JobState]) -> str:
    """`3 jobs running, 1 in the queue (Resources)`."""
    waiting = [state for state in jobs.values() if state.waits]
    running = sum(state.alive for state in jobs.values()) - len(waiting)
    why = Counter(state.reason for state in waiting if state.reason)
    reasons = f" ({', '.join(word for word, _ in why.most_common(2))})" if why else ""
    return f"{count(running, 'job')} running, {len(waiting)} in the queue{reasons}"
