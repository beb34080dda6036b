"""Looking after submitted runs: wait for them, believe the ledger, and settle what was lost.

submitit's own waiting asks `sacct`: where a cluster keeps no accounts it waits for ever for a job
that was killed. Here a run is over when its record says so, or when its job has left the queue.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from audition.records.record import Record
from audition.records.store import Ledger
from audition.records.submission import Submission, SubmittedJob, submissions
from audition.sweep.cluster.queue import JobState, states
from audition.text import count

ASK_EVERY_S = 5.0
GRACE_S = 20.0
"""From a job's end to the verdict that its run was lost: shared file systems show writes late [s]."""
SAY_EVERY_S = 60.0
SILENCE_S = 900.0
"""For so long a queue may leave questions unanswered before nobody waits any longer [s]."""

UNSEEN = ("FAILED", "COMPLETED")
"""Ends of a job that has run, and so has written a log, if it could."""

Ask = Callable[[], Mapping[str, JobState] | None]


@dataclass(frozen=True)
class View:
    """The runs of a submission that are not over, as the ledger and the queue see them now."""

    records: Mapping[str, Record | None]  # folder -> record, of all its runs
    jobs: Mapping[str, JobState]  # id -> state; empty where the queue does not answer

    def open(self) -> dict[str, Record | None]:
        """The runs without an outcome."""
        return {f: r for f, r in self.records.items() if r is None or not r.over}


def asker(submission: Submission) -> Ask:
    """A question to the queue about every job of `submission`."""
    ids = [job.id for job in submission.jobs]
    return lambda: states(ids, submission.arrays())


def look(ledger: Ledger, submission: Submission, ask: Ask) -> View:
    """The ledger first: a run that ends in between is then still seen with its job alive."""
    folders = [run for job in submission.jobs for run in job.runs]
    records = {run: ledger.get(ledger.root / "runs" / run) for run in folders}
    settled = all(record is not None and record.over for record in records.values())
    return View(records, {} if settled else ask() or {})


def lost(submission: Submission, view: View) -> dict[str, str]:
    """Folder -> why, of every run without an outcome whose job will not go on by itself."""
    jobs = submission.job_of()
    gone = {}
    for run in view.open():
        state = view.jobs.get(jobs[run].id)
        if state is not None and (not state.alive or state.stuck):
            gone[run] = reason(jobs[run], state)
    return gone


def reason(job: SubmittedJob, state: JobState) -> str:
    """Why a run of `job`, which is over, has no outcome, in one sentence."""
    if state.word in UNSEEN and not Path(job.log).exists():
        return (
            f"job {job.id} left no log ({state.end()}): {Path(job.log).parent} must be on a file "
            "system that the compute nodes see"
        )
    if state.stuck:
        return f"job {job.id} will not start: {state.end()}"
    return f"job {job.id} left the queue without an outcome: {state.end()}; see {job.log}"


def settle(ledger: Ledger, gone: Mapping[str, str]) -> None:
    """File each lost run as failed, unless a live process holds it or it has an outcome by now."""
    for run, why in gone.items():
        folder = ledger.root / "runs" / run
        record = ledger.get(folder)
        if record is not None and not record.over and not ledger.claimed(folder):
            ledger.write(record.ended("failed", why))


def follow(ledger: Ledger, submission: Submission, *, ask: Ask | None = None) -> None:
    """Return once every run of `submission` has an outcome; a lost one is filed as failed.

    Raises TimeoutError where the queue has not answered for a quarter of an hour.
    """
    ask = ask or asker(submission)
    heard = said = time.monotonic()
    suspects: dict[str, float] = {}
    before = ""
    while True:
        view = look(ledger, submission, ask)
        now = time.monotonic()
        if not view.open():
            return
        if view.jobs:
            heard = now
        elif now - heard > SILENCE_S:
            raise TimeoutError(f"Slurm's queue has not answered for {SILENCE_S / 60:.0f} minutes")
        gone = lost(submission, view)
        suspects = {run: suspects.get(run, now) for run in gone}
        settle(ledger, {run: gone[run] for run, since in suspects.items() if now - since > GRACE_S})
        text = summary(submission, view)
        if text != before and (not before or now - said >= SAY_EVERY_S):
            print(f"audition: {text}", file=sys.stderr)
            before, said = text, now
        time.sleep(min(ASK_EVERY_S, 1.0 + 0.01 * len(view.records)))


def summary(submission: Submission, view: View) -> str:
    """`3 of 12 runs over, 2 running, 7 in the queue (Resources)`."""
    jobs = submission.job_of()
    opened = view.open()
    running = [r for r in opened.values() if r is not None and r.status == "running"]
    waiting = [view.jobs[jobs[run].id] for run in opened if jobs[run].id in view.jobs]
    why = Counter(state.reason for state in waiting if state.waits and state.reason)
    reasons = f" ({', '.join(word for word, _ in why.most_common(2))})" if why else ""
    return (
        f"{len(view.records) - len(opened)} of {count(len(view.records), 'run')} over, "
        f"{len(running)} running, {len(opened) - len(running)} in the queue{reasons}"
    )


def living(ledger: Ledger) -> tuple[SubmittedJob, ...]:
    """The jobs of all submissions that have runs without an outcome and may still do them."""
    found: list[SubmittedJob] = []
    for submission in submissions(ledger.root):
        view = look(ledger, submission, asker(submission))
        found += [
            job
            for job in submission.jobs
            if (state := view.jobs.get(job.id)) is not None
            and state.alive
            and not view.open().keys().isdisjoint(job.runs)
        ]
    return tuple(found)
