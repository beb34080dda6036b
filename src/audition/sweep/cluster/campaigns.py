"""A plan and its jobs, found again from the folder alone, by whatever process asks later."""

import time
from dataclasses import dataclass
from pathlib import Path

from audition.answers.campaign import RunState, campaign
from audition.errors import AuditionError
from audition.records.contents import contents_of
from audition.records.registration import Registration, registrations
from audition.records.store import Contents, Ledger
from audition.records.submission import Submission, submissions
from audition.sweep.cluster.follow import View, asker, look, lost, settle


@dataclass(frozen=True)
class Found:
    """A plan of the ledger, what was submitted for it, and where its runs stand."""

    plan: Registration
    submissions: tuple[Submission, ...]
    states: tuple[RunState, ...]
    contents: Contents


def plan_named(root: Path, name: str | None) -> Registration:
    """The plan whose digest begins with `name`; the latest without one. AuditionError for none."""
    plans = registrations(root)
    named = [plan for plan in plans if plan.digest().startswith(name or "")]
    if not plans:
        raise AuditionError(f"no sweep was planned in {root}: give --output-dir")
    if not named or (name and len(named) > 1):
        digests = ", ".join(plan.digest() for plan in (named or plans)[-8:])
        what = "more than one plan begins" if named else "no plan begins"
        raise AuditionError(f"{what} with '{name}': choose from {digests}")
    return named[-1]


def find(root: Path, name: str | None, *, grace_s: float = 2.0) -> Found:
    """The plan, with runs that their cluster has lost filed as failed.

    grace_s: between the two looks that must agree before a run is given up [s].
    """
    ledger = Ledger.found(root.absolute())
    plan = plan_named(root, name)
    made = tuple(each for each in submissions(root) if each.plan == plan.digest())
    views = [(each, look(ledger, each, asker(each))) for each in made]
    newest = {run: each for each in made for job in each.jobs for run in job.runs}

    def gone(each: Submission, view: View) -> dict[str, str]:
        """Of the runs that were not submitted anew since."""
        return {run: why for run, why in lost(each, view).items() if newest[run] is each}

    if any(gone(each, view) for each, view in views):
        time.sleep(grace_s)
        for i, (each, _) in enumerate(views):
            view = look(ledger, each, asker(each))
            settle(ledger, gone(each, view))
            views[i] = (each, view)
    waiting = {run: why for each, view in views for run, why in in_queue(each, view).items()}
    contents = contents_of(ledger)
    states = campaign(plan, ledger, contents.records, waiting)
    return Found(plan, made, tuple(states), contents)


def in_queue(submission: Submission, view: View) -> dict[str, str]:
    """Folder -> why, of the runs whose job waits in the queue."""
    jobs = submission.job_of()
    return {
        run: f"job {jobs[run].id} waits ({state.reason or state.word.lower()})"
        for run in view.open()
        if (state := view.jobs.get(jobs[run].id)) is not None and state.waits
    }
