"""Runs on the pool of this machine, with every end of one written into the ledger."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from math import ceil

from audition.energy.meter import AtOnce
from audition.errors import AuditionError
from audition.records.record import Status, now
from audition.sweep.code_provenance import code_provenance
from audition.sweep.expect import expected_seconds
from audition.sweep.plan import PlannedRun
from audition.sweep.pool import Display, End, Job, PoolSettings, Server, display_for, run_pool
from audition.training.run_spec import RunSpec

SPOKEN: frozenset[Status] = frozenset({"finished", "diverged", "failed", "interrupted"})
"""What a worker says at the end of a run."""


def train_all(runs: Sequence[PlannedRun], settings: PoolSettings, server: Server) -> None:
    """Train `runs`, the longest first; returns when each has an outcome or a failure, or is stopped."""
    if runs:
        facts = code_provenance(runs)
        expected = zip(runs, expected_seconds(runs), strict=True)
        jobs = [Job.of(run.spec(facts), seconds) for run, seconds in expected]
        carry_out(jobs, settings, server, display_for())


def carry_out(
    jobs: Sequence[Job], settings: PoolSettings, server: Server, display: Display
) -> None:
    """Do `jobs`; returns when each run has an outcome or a failure, or is stopped.

    The worker writes its own record; where it could not (killed, timed out), this does.
    """
    jobs = [beside(job, settings, len(jobs)) for job in jobs]
    run_pool(jobs, settings, on_end=filing(), display=display, server=server)


def beside(job: Job, settings: PoolSettings, jobs: int) -> Job:
    """`job`, told that it is one of so many."""
    neighbours = {"at_once": asdict(at_once(settings, jobs))}
    return replace(job, payload={**job.payload, **neighbours})


def filing() -> Callable[[Job, End], None]:
    """What writes down the end of a run that was launched from now on, where it did not itself."""
    launched = now()

    def on_end(job: Job, end: End) -> None:
        spec = RunSpec.from_dict(job.payload)
        ledger, record = spec.ledger, spec.record
        filed = ledger.get(spec.folder)
        # The worker's own word stands, unless it is left over from an earlier attempt.
        spoke = filed is not None and filed.status in SPOKEN and filed.started >= launched
        if end.status != "ok" and not spoke:
            status: Status = "interrupted" if end.status == "interrupted" else "failed"
            notes = filed.notes if filed is not None and filed.key == record.key else ()
            ending = record.ended(
                status, end.reason, seconds=end.seconds, started=launched, notes=notes
            )
            try:
                ledger.write(ending)
            except AuditionError as error:
                if not isinstance(error.__cause__, PermissionError):
                    raise
                # One folder that is another user's ends its own run, and no other.
                print(f"audition: {error}", file=sys.stderr)

    return on_end


def at_once(settings: PoolSettings, jobs: int) -> AtOnce:
    """How many of `jobs` a pool of those `settings` makes side by side, on a card and in all.

    By slot: that the last runs of a sweep have fewer neighbours is not counted.
    """
    machine = max(1, min(settings.workers, jobs))
    hands = max(1, len(settings.gpus) // settings.gpus_per_run)
    return AtOnce(card=ceil(machine / hands) if settings.gpus else 1, machine=machine)
