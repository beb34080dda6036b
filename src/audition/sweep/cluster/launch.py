"""Planned runs on a cluster: each is submitted once, however often it is asked for, and waited for."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from audition.records.store import Ledger
from audition.records.submission import Submission
from audition.sweep.cluster.follow import follow, living_jobs
from audition.sweep.cluster.settings import Cluster
from audition.sweep.cluster.submit import submit
from audition.sweep.plan import PlannedRun
from audition.text import count


class Detached(Exception):
    """The runs are in a cluster's queue, and this process is not to wait for them."""

    def __init__(self, submission: Submission) -> None:
        super().__init__(submission.plan)
        self.submission = submission


def on_cluster(cluster: Cluster, detach: bool) -> Callable[[str, Sequence[PlannedRun]], None]:
    """Submit, and wait unless told to `detach`; after Ctrl-C the jobs go on."""

    def launch(plan: str, runs: Sequence[PlannedRun]) -> None:
        if not runs:
            return
        ledger = Ledger(Path(runs[0].settings["paths"]["output_dir"]).absolute())
        submission = joined(ledger, runs, lambda new: submit(new, cluster, plan))
        if detach:
            raise Detached(submission)
        arrays = " ".join(submission.arrays())
        print(f"audition: Slurm job {arrays}", file=sys.stderr)
        try:
            follow(ledger, submission)
        except KeyboardInterrupt:
            print(
                f"audition: Slurm job {arrays} goes on without this process: `audition status` "
                "shows it, `audition collect` gives the verdict, `audition cancel` ends it",
                file=sys.stderr,
            )
            raise

    return launch


def joined(
    ledger: Ledger,
    runs: Sequence[PlannedRun],
    submit: Callable[[Sequence[PlannedRun]], Submission],
) -> Submission:
    """What `submit` makes of the runs that no living job has yet, with the jobs that have the rest."""
    folders = {ledger.place_of(run.record): run for run in runs}
    jobs = tuple(job for job in living_jobs(ledger) if not folders.keys().isdisjoint(job.runs))
    taken = {run for job in jobs for run in job.runs}
    new = [run for folder, run in folders.items() if folder not in taken]
    if jobs:
        many = len(folders) - len(new)
        print(f"audition: {count(many, 'run')} in the queue already", file=sys.stderr)
    if not new:
        return Submission(plan="", cluster="slurm", jobs=jobs, probe="", written="")
    made = submit(new)
    return replace(made, jobs=(*jobs, *made.jobs))
