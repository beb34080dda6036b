"""The lines that a sweep prints on standard error: its plan, its pool, and how it was left."""

import time
from collections.abc import Callable, Sequence

from audition.console import say
from audition.records.store import Contents, Ledger
from audition.records.submission import Submission
from audition.sweep.local import MeasuredPool
from audition.sweep.plan import Plan, PlannedRun
from audition.sweep.pool import PoolSettings
from audition.text import count, roughly

MANY_ARMS = 30
"""Arms from which a sweep says that it is planning them."""
FEW_ARMS = 10
"""Arms by which it is known how long one takes."""
SAY_EVERY_S = 5.0


class Planning:
    """Says that many arms are being planned, and after a few of them how long it will take."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._began, self._due = clock, clock(), 0.0

    def __call__(self, planned: int, many: int) -> None:
        if planned <= 1:  # the first takes longer: it is not typical
            self._began = self._clock()
        passed = self._clock() - self._began
        if many < MANY_ARMS or passed < self._due:
            return
        if planned == 0:
            say(f"planning {count(many, 'arm')}.")
        elif planned >= FEW_ARMS:
            left = roughly(passed / (planned - 1) * (many - planned))
            say(f"{planned} of {count(many, 'arm')} planned, about {left} left.")
            self._due = passed + SAY_EVERY_S


def say_plan(plan: Plan, missing: Sequence[PlannedRun], contents: Contents) -> None:
    """One line before the first run: how much there is to do, and how much is done."""
    for unreadable in contents.unreadable:
        say(f"{unreadable}; it is left out.")
    arms = plan.arms()
    for name in plan.same_as_baseline:
        say(f"'{name}' is the baseline itself, so it is not an arm.")
    done = len(plan.runs) - len(missing)
    say(
        f"{count(len(arms), 'arm')} against the baseline, {count(len(plan.runs), 'run')} in all: "
        f"{done} in the ledger, {len(missing)} to train"
        + (f", {how(missing)}." if missing else ".")
    )
    if not arms:
        say("without an arm there is no verdict: add +idea=NAME, or give a key two values.")


def how(runs: Sequence[PlannedRun]) -> str:
    """What `runs` are computed with: `on the cpu in bfloat16`, each way once."""
    ways = (
        f"on the {run.settings['execution']['device']} in "
        + str(run.settings["precision"]["_target_"]).rpartition(".")[2].lower()
        + ", compiled" * run.settings["execution"]["compile"]
        for run in runs
    )
    return " and ".join(dict.fromkeys(ways))


def pool_line(settings: PoolSettings) -> str:
    """How many at once, where `audition bench` decided it; else nothing."""
    if not isinstance(settings, MeasuredPool) or settings.measured is None:
        return ""
    return f"{settings.workers} at once, as `audition bench` measured on {settings.measured[:10]}."


def say_detached(submission: Submission) -> None:
    """After `submit=detach`: what was handed in, and who looks after it."""
    many = sum(len(job.runs) for job in submission.jobs)
    say(
        f"{count(many, 'run')} submitted in {count(len(submission.jobs), 'job')} as Slurm job "
        f"{' '.join(submission.arrays())}: `audition status` shows them, `audition collect` gives "
        "the verdict, `audition cancel` ends them."
    )


def say_stopped(plan: Plan, ledger: Ledger) -> None:
    """After Ctrl-C: what is safe, and how to go on."""
    left = len(plan.missing(ledger.read()))
    say(
        f"Stopped with {len(plan.runs) - left} of {count(len(plan.runs), 'run')} in the ledger; "
        "the same command goes on from there."
    )
