"""Jobs submitted to a cluster and the runs that each one trains, for later commands."""

from dataclasses import dataclass
from pathlib import Path

from audition.errors import AuditionError
from audition.reasons import cut
from audition.records.folder import Folder
from audition.records.record import now
from audition.records.store import is_name

FOLDER = "submissions"


@dataclass(frozen=True, kw_only=True)
class SubmittedJob:
    """One job of the cluster's queue."""

    id: str  # the queue's own, `12` or `12_3`
    runs: tuple[str, ...]  # folders of its runs, below the ledger's `runs/`
    log: str  # file with what the job printed


@dataclass(frozen=True, kw_only=True)
class Submission:
    """The jobs of one command, and the plan that they carry out."""

    plan: str  # digest of the registered plan
    cluster: str
    jobs: tuple[SubmittedJob, ...]
    probe: str  # a file beside the ledger that its compute nodes must be able to read
    written: str  # ISO 8601, UTC

    def job_of(self) -> dict[str, SubmittedJob]:
        """Folder of a run -> the job that does it."""
        return {run: job for job in self.jobs for run in job.runs}

    def arrays(self) -> tuple[str, ...]:
        """The ids of job arrays, under which a queue takes jobs together: `5` for `5_0`, `5_1`, ..."""
        return tuple(dict.fromkeys(job.id.partition("_")[0] for job in self.jobs))


def _misfit(submission: Submission, stem: str) -> str:
    """Its runs are filed below the ledger's `runs/`, and lead nowhere else."""
    for job in submission.jobs:
        for run in job.runs:
            if len(run.split("/")) != 3 or not all(map(is_name, run.split("/"))):
                return f"names a run that lies in no ledger, {cut(run, 80)!r}"
    return ""


SUBMISSIONS = Folder(FOLDER, Submission, misfit=_misfit)


def keep(root: Path, submission: Submission) -> Path:
    """Write `submission` under the ledger at `root`.

    Raises AuditionError where it cannot be written, and says how to find the jobs all the same.
    """
    arrays = submission.arrays()
    try:
        return SUBMISSIONS.write(root, f"{submission.plan}-{arrays[0]}", submission)
    except AuditionError as error:
        raise AuditionError(
            f"{error}, and the {submission.cluster} jobs {' '.join(arrays)} are on their way"
        ) from error


def submissions(root: Path) -> tuple[Submission, ...]:
    """Every submission of the ledger at `root`, oldest first, without unreadable files."""
    return tuple(sorted(SUBMISSIONS.read(root)[0], key=lambda each: each.written))


def submitted_now(
    plan: str, cluster: str, jobs: tuple[SubmittedJob, ...], probe: str
) -> Submission:
    """A submission made at this moment."""
    return Submission(plan=plan, cluster=cluster, jobs=jobs, probe=probe, written=now())
