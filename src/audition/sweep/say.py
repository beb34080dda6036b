"""What a sweep says of itself: what it will run, how it was stopped, and what came of it."""

import time
from collections.abc import Callable, Sequence

from audition.answers import arms_of, judge_baseline
from audition.console import say as say
from audition.records.record import Record
from audition.records.registration import registrations
from audition.records.store import Contents, Ledger
from audition.records.submission import Submission
from audition.sweep.local import MeasuredPool
from audition.sweep.plan import Plan, PlannedRun
from audition.sweep.pool import PoolSettings
from audition.sweep.show import Show
from audition.sweep.verdict_page import show_verdicts
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


def how(runs: Sequence[PlannedRun]) -> str:
    """What `runs` are computed with: `on the cpu in bfloat16`, each way once."""
    ways = (
        f"on the {run.settings['execution']['device']} in "
        + str(run.settings["precision"]["_target_"]).rpartition(".")[2].lower()
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


def say_verdicts(plan: Plan, ledger: Ledger, show: Show) -> Contents:
    """The verdicts on the plan's arms, or its runs where there is none yet; what they rest on.

    All of it is from the ledger alone, which is read once.
    """
    contents = ledger.read()
    asked = dict((config_hash, name) for name, config_hash in plan.arms())
    arms = arms_of(contents.records)
    baseline = arms.get(plan.baseline_hash)
    if asked and baseline is not None and any(record.settled for record in baseline.records):
        plans = registrations(ledger.root)
        judgements = judge_baseline(arms, plan.baseline_hash, plans=plans, asked=asked)
        wanted = [j for j in judgements if j.arm.config_hash in asked]
        show.verdicts(wanted, ledger)
        show_verdicts(plan, wanted, ledger)
    else:
        settled = contents.settled()
        keys = [run.identity.key for run in plan.runs]
        show.runs([settled[key] for key in keys if key in settled])
    return contents


def say_outcome(plan: Plan, ledger: Ledger, show: Show) -> bool:
    """The verdicts and whatever is missing; whether every run has an outcome to compare."""
    contents = say_verdicts(plan, ledger, show)
    return say_missing(plan, contents, ledger) and say_diverged(plan, contents)


def say_diverged(plan: Plan, contents: Contents) -> bool:
    """Whether there is something to compare: not where the baseline diverged on all of its seeds."""
    settled = contents.settled()
    ended = [settled[run.identity.key] for run in plan.runs if run.identity.key in settled]
    baseline = [record for record in ended if record.config_hash == plan.baseline_hash]
    if not baseline or any(record.status == "finished" for record in baseline):
        return True
    everything = all(record.status == "diverged" for record in ended)
    what = f"all {len(ended)} runs" if everything and len(ended) > 1 else "the baseline"
    say(
        f"{what} diverged, so there is nothing to compare; seed {baseline[0].seed} of the baseline: "
        f"{baseline[0].reason}."
    )
    return False


def say_missing(plan: Plan, contents: Contents, ledger: Ledger) -> bool:
    """Which runs have no outcome, and why; returns whether every one has."""
    filed = {record.key: record for record in contents.records}
    missing = plan.missing(contents)
    for run in missing:
        say(f"{run.label} {_state(filed.get(run.identity.key), ledger)}.")
    if missing:
        say(f"{count(len(missing), 'run')} without an outcome; the same command tries them again.")
    return not missing


def _state(record: Record | None, ledger: Ledger) -> str:
    """What is known of a run without an outcome."""
    if record is None:
        return "was not started"
    if record.status == "queued":
        return "waits in a queue (`audition status`)"
    if record.status != "running":
        return f"{record.status}: {record.reason}"
    if ledger.claimed(ledger.folder_of(record)):
        return f"is being trained by process {record.pid} on {record.host}"
    return f"was lost while it ran (process {record.pid} on {record.host})"
