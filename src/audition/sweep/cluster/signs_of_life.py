"""Which jobs the queue calls alive although nothing of them has moved for minutes.

Slurm may call a job RUNNING or COMPLETING long after its last process has ended, until its time limit
or an administrator ends it: a controller that is killed forgets what it has not saved yet, some
seconds of it, and a node says only once that a job is over.
"""

import time
from collections.abc import Collection, Mapping
from pathlib import Path

from audition.records.store import Ledger
from audition.records.submission import Submission
from audition.sweep.cluster.queue import JobState

NO_SIGN_S = 300.0
"""Time without a sign of life after which a job counts as lost [s].

The holder of a run touches its claim every ten seconds, and begins the next run at once; a job that
starts has this long for its first line in the log.
"""


def silent(
    ledger: Ledger, submission: Submission, states: Mapping[str, JobState], runs: Collection[str]
) -> dict[str, float]:
    """Job -> time without a sign of life [s], of the jobs that have given none for `NO_SIGN_S`.

    Signs are that the job began, that its log grew, that a run of it wrote something, and, whatever
    the clocks say, that a live process holds a run of it.

    runs: folders, below the ledger's `runs/`, of the runs without an outcome; jobs without any are
    left out.
    """
    now, found = time.time(), {}
    for job in submission.jobs:
        state = states.get(job.id)
        if state is None or not state.alive or state.began is None:
            continue
        if now - state.began <= NO_SIGN_S or set(job.runs).isdisjoint(runs):
            continue
        folders = [ledger.root / "runs" / run for run in job.runs]
        signs = [Path(job.log), *folders, *(path for f in folders for path in f.glob("claim.*"))]
        since = now - max([state.began, *map(_touched, signs)])
        if since > NO_SIGN_S and not any(map(ledger.claimed, folders)):
            found[job.id] = since
    return found


def _touched(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
