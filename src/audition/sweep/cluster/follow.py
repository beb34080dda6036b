"""Waits for submitted jobs: a run is over when its record says so, or its job has left the queue.

submitit's own waiting asks `sacct`: where a cluster keeps no accounts it waits for ever for a job
that was killed.
"""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from audition.records.record import Record
from audition.records.store import Ledger
from audition.records.submission import Submission, SubmittedJob, submissions
from audition.sweep.cluster.queue import JobState, cancel, states, why_waiting
from audition.sweep.cluster.signs_of_life import silent
from audition.text import count, duration

ASK_EVERY_S = 5.0
GRACE_S = 20.0
"""From a job's end to the verdict that its run was lost: shared file systems show writes late [s]."""
COMMAND_GRACE_S = 5.0
"""The same for jobs of a command, which leave no record that could be late [s]."""
SAY_EVERY_S = 60.0
SILENCE_S = 900.0
"""Longest time without an answer of the queue; after it the waiting is given up [s]."""

UNSEEN = ("FAILED", "COMPLETED")
"""Ends of a job that has run, and so has written a log, if it could."""

Ask = Callable[[], Mapping[str, JobState] | None]


@dataclass(frozen=True)
class View:
    """The runs of a submission that are not over, as the ledger and the queue see them now."""

    records: Mapping[str, Record | None]  # folder -> record, of all its runs
    jobs: Mapping[str, JobState]  # id -> state; empty where the queue does not answer
    silent: Mapping[str, float] = field(default_factory=dict)
    """Id -> time without a sign of life, of jobs on a node that have given none for too long [s]."""

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
    view = View(records, {} if settled else ask() or {})
    return replace(view, silent=silent(ledger, submission, view.jobs, view.open()))


def lost(submission: Submission, view: View) -> dict[str, str]:
    """Folder -> why, of every run without an outcome whose job will not go on by itself, or is lost."""
    jobs = submission.job_of()
    gone = {}
    for run in view.open():
        state = view.jobs.get(jobs[run].id)
        if state is not None and not state.goes_on:
            gone[run] = reason(jobs[run], state)
        elif state is not None and (since := view.silent.get(jobs[run].id)):
            gone[run] = (
                f"job {jobs[run].id} is lost: Slurm calls it {state.word}, and nothing of it has "
                f"shown a sign of life for {duration(since)}; `scancel {jobs[run].id}` removes it"
            )
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
    suspects: dict[str, float] = {}

    def look_after(now: float) -> Seen:
        nonlocal suspects
        view = look(ledger, submission, ask)
        gone = lost(submission, view)
        suspects = {run: suspects.get(run, now) for run in gone}
        given_up = {run: gone[run] for run, t in suspects.items() if now - t > GRACE_S}
        settle(ledger, given_up)
        # A run whose record was removed or damaged meanwhile cannot be filed as failed.
        recordless = {run for run in given_up if view.records[run] is None}
        over = view.open().keys() <= recordless
        return Seen(over, bool(view.jobs), summary(submission, view))

    _wait(look_after, len(submission.job_of()))


def follow_command(submission: Submission, tell: Callable[[Mapping[str, JobState]], str]) -> None:
    """Return once one job of a command has completed, and cancel those that have not begun.

    Returns too where no job will go on. tell: what to say of the jobs as they are now. Raises
    TimeoutError where the queue has not answered for a quarter of an hour.
    """
    ask, gone_since = asker(submission), 0.0

    def look_after(now: float) -> Seen:
        nonlocal gone_since
        jobs = ask()
        if jobs is None:
            return Seen(False, False, "")
        completed = any(state.word == "COMPLETED" for state in jobs.values())
        if completed and (waiting := [job for job, state in jobs.items() if state.waits]):
            cancel(waiting)
        gone = not any(state.goes_on for state in jobs.values())
        gone_since = (gone_since or now) if gone else 0.0
        lasting = gone and now - gone_since > COMMAND_GRACE_S
        return Seen(completed or lasting, True, tell(jobs))

    _wait(look_after, len(submission.jobs))


@dataclass(frozen=True)
class Seen:
    """What one look at the queue and the ledger has shown."""

    over: bool  # whether there is nothing more to wait for
    answered: bool  # whether the queue answered
    text: str  # for a person


def _wait(look_after: Callable[[float], Seen], size: int) -> None:
    """Look every few seconds until it is over, and print what is new once a minute.

    Raises TimeoutError where the queue has not answered for a quarter of an hour.
    """
    heard = said = time.monotonic()
    before = ""
    while not (seen := look_after(now := time.monotonic())).over:
        if seen.answered:
            heard = now
        elif now - heard > SILENCE_S:
            raise TimeoutError(f"Slurm's queue has not answered for {SILENCE_S / 60:.0f} minutes")
        if seen.text not in ("", before) and (not before or now - said >= SAY_EVERY_S):
            print(f"audition: {seen.text}", file=sys.stderr)
            before, said = seen.text, now
        time.sleep(min(ASK_EVERY_S, 1.0 + 0.01 * size))


def summary(submission: Submission, view: View) -> str:
    """`3 of 12 runs over, 2 running, 7 in the queue (Resources)`."""
    jobs, opened = submission.job_of(), view.open()
    running = [r for r in opened.values() if r is not None and r.status == "running"]
    theirs = [view.jobs[jobs[run].id] for run in opened if jobs[run].id in view.jobs]
    return (
        f"{len(view.records) - len(opened)} of {count(len(view.records), 'run')} over, "
        f"{len(running)} running, {len(opened) - len(running)} in the queue{why_waiting(theirs)}"
    )


def summary_of_jobs(jobs: Mapping[str, JobState]) -> str:
    """`3 jobs running, 1 in the queue (Resources)`."""
    waiting = sum(state.waits for state in jobs.values())
    running = sum(state.alive for state in jobs.values()) - waiting
    return f"{count(running, 'job')} running, {waiting} in the queue{why_waiting(jobs.values())}"


def living_jobs(ledger: Ledger) -> tuple[SubmittedJob, ...]:
    """The jobs of all submissions that have runs without an outcome and may still do them."""
    found: list[SubmittedJob] = []
    for submission in submissions(ledger.root):
        view = look(ledger, submission, asker(submission))
        found += [
            job
            for job in submission.jobs
            if (state := view.jobs.get(job.id)) is not None
            and state.alive
            and job.id not in view.silent
            and not view.open().keys().isdisjoint(job.runs)
        ]
    return tuple(found)


def living_command(root: Path, name: str) -> Submission | None:
    """The latest submission kept under `name` of which some job may still do something."""
    for each in reversed(submissions(root)):
        if each.plan == name and any(state.goes_on for state in (asker(each)() or {}).values()):
            return each
    return None
