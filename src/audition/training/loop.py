"""The loop of a run: step after step, with evaluations in between, until the budget is spent.

A run alone is a pack of one: the loop knows runs that take their steps together, and how such a
step is taken is given to it.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from audition.observers.observer import Observer, StepReport
from audition.reasons import not_finite, stopped
from audition.recipe.batches import Clock
from audition.recipe.turnover import Event
from audition.session import Evaluation, Session, begin
from audition.training.evaluation import evaluate, lost_measure
from audition.training.job import Job, Outcome
from audition.training.step import advance

Advance = Callable[[Clock], Sequence[StepReport]]
"""One step of every run, those that have ended included, and what it did, in the runs' order."""


@dataclass(frozen=True)
class Run:
    """A run under way."""

    job: Job
    session: Session
    observers: Sequence[Observer] = ()
    interrupted: Callable[[int], bool] = lambda step: False

    def end(self, status: Literal["finished", "diverged", "interrupted"], why: str = "") -> Outcome:
        """Its outcome, which no later step changes."""
        for observer in self.observers:
            observer.on_end(self.session, status)
        return Outcome(status, self.session.apart(), why)

    def evaluate(self, clock: Clock) -> Outcome | None:
        """Evaluate it; the outcome of one that has diverged."""
        session = self.session
        session.refresh()

        def seen(evaluation: Evaluation) -> None:
            for observer in self.observers:
                observer.on_evaluated(session, evaluation)

        found, before = evaluate(self.job, session, clock, seen), session.evaluations
        told = self.job.task.summary(
            [each.metrics for each in (*before, found)], self.job.training.evaluations
        )
        session.evaluations.append(replace(found, metrics={**found.metrics, **told}))
        for observer in self.observers:
            observer.on_evaluation(session)
        lost = lost_measure(self.job.task, session.evaluations[-1])
        return None if lost is None else self.end("diverged", not_finite(*lost, session.step))

    def announce(self, events: Sequence[Event]) -> None:
        """Tell the observers of events of apoptosis that are about to be carried out."""
        for observer in self.observers:
            observer.on_turnover(self.session, events)

    def hear(self, report: StepReport, look: bool) -> Outcome | None:
        """Tell the observers of a step; with `look`, the outcome of a run whose loss is not finite."""
        for observer in self.observers:
            observer.on_step(self.session, report)
        if look and not math.isfinite(loss := report.loss()):
            return self.end("diverged", not_finite("loss", loss, self.session.step))
        return None


def train(
    job: Job,
    observers: Sequence[Observer] = (),
    *,
    resume: Mapping[str, Any] | None = None,
    interrupted: Callable[[int], bool] = lambda step: False,
) -> Outcome:
    """Train one run to the end of its budget, or to divergence, or until `interrupted(step)`.

    A run resumed from `Session.snapshot()` goes on with the bits it would have had. Observers only
    read: the weights are the same with any of them.
    """
    return train_alone(Run(job, opened(job, resume), observers, interrupted))


def train_alone(run: Run) -> Outcome:
    """Train a run that takes its steps by itself."""
    (outcome,) = train_all(
        [run], lambda clock: [advance(run.job, run.session, clock, run.announce)]
    )
    assert isinstance(outcome, Outcome)
    return outcome


def opened(job: Job, resume: Mapping[str, Any] | None = None) -> Session:
    """The session of `job` at its start, or as a snapshot has it; raises Unfit for another's."""
    job.execution.enter()
    session = begin(job.recipe, job.seed, job.execution.device, job.team.spread)
    if resume is not None:
        session.restore(resume)
    return session


def train_all(runs: Sequence[Run], step: Advance) -> list[Outcome | Exception]:
    """Train `runs`, which are at the same step of the same budget, and take their steps together.

    Each ends by itself, whatever becomes of the others: with its outcome, or with what its own
    observers or evaluation raised. What `step` raises is raised, and all that a single run raises.
    """
    first = runs[0]
    job, budget, every = first.job, first.job.budget, first.job.training.check_every
    for run in runs:
        job.team.check(run.session.params, run.session.step)
    steps = budget.total_steps(first.session.batches.train(Clock(0)).units)
    job.recipe.apoptosis.check(steps)
    ends: dict[int, Outcome | Exception] = {}

    def each(act: Callable[[int, Run], Outcome | None]) -> None:
        for place, run in enumerate(runs):
            if place not in ends:
                try:
                    outcome = act(place, run)
                except Exception as error:
                    if len(runs) == 1:  # nobody else goes on; keeping it would keep its files open
                        raise
                    ends[place] = error
                else:
                    if outcome is not None:
                        ends[place] = outcome

    def start(place: int, run: Run) -> None:
        for observer in run.observers:
            observer.on_start(run.session, steps)

    each(start)
    while len(ends) < len(runs):
        # Runs that have ended are left behind: one that goes on says how far the pack is.
        session = next(run.session for place, run in enumerate(runs) if place not in ends)
        spent = budget.fraction(session.step, steps, session.seconds)
        clock = Clock(session.step, steps, spent)
        # At the head of the loop, so that a run that was stopped during an evaluation makes it up.
        due = evaluations_due(session.step, steps, spent, job.training.evaluations)
        due += job.task.begins_untrained
        if due > len(session.evaluations) and session.step > last_evaluation(session):
            each(lambda place, run: run.evaluate(clock))  # noqa: B023 (called at once)
        if spent >= 1.0:
            each(lambda place, run: run.end("finished"))
        each(
            lambda place, run: (
                run.end("interrupted", stopped(run.session.step))
                if run.interrupted(run.session.step)
                else None
            )
        )
        under_way = len(runs) - len(ends)
        if not under_way:
            break
        started = time.perf_counter()
        reports = step(clock)
        seconds = job.team.longest(time.perf_counter() - started) / under_way

        def count(place: int, run: Run) -> None:
            run.session.seconds += seconds  # noqa: B023 (called at once)

        each(count)
        after = budget.fraction(session.step, steps, session.seconds)
        look = session.step % every == 0 or after >= 1.0
        if look:
            each(lambda place, run: job.team.check(run.session.params, run.session.step))
        each(lambda place, run: run.hear(reports[place], look))  # noqa: B023 (called at once)
    return [ends[place] for place in range(len(runs))]


def evaluations_due(step: int, steps: int | None, spent: float, evaluations: int) -> int:
    """How many of the evenly spread `evaluations` are due once `step` steps are done.

    The n-th is due at the first step that is at least n / `evaluations` of `steps`. Where the
    number of steps is open (None), `spent` says which share of the budget is gone.
    """
    if steps is None:
        return math.floor(spent * evaluations)
    # Whole numbers: floor(3 / 22 * 22) is 2.
    return min(step, steps) * evaluations // steps


def last_evaluation(session: Session) -> int:
    """The step of the last evaluation, -1 before the first."""
    return session.evaluations[-1].step if session.evaluations else -1
