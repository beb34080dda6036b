"""The loop of a run: step after step, with evaluations in between, until the budget is spent."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from audition.observers.observer import Observer
from audition.reasons import not_finite, stopped
from audition.recipe.batches import Clock
from audition.session import Session, begin
from audition.training.evaluation import evaluate, lost_measure
from audition.training.job import Job, Outcome
from audition.training.step import advance


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
    recipe, budget = job.recipe, job.budget
    job.execution.enter()
    session = begin(recipe, job.seed, job.execution.device, job.team.spread)
    if resume is not None:
        session.restore(resume)
    job.team.check(session.params, session.step)
    first = session.batches.train(Clock(0))
    steps = budget.total_steps(first.units)
    for observer in observers:
        observer.on_start(session, steps)

    def end(status: Literal["finished", "diverged", "interrupted"], reason: str = "") -> Outcome:
        for observer in observers:
            observer.on_end(session, status)
        return Outcome(status, session, reason)

    while True:
        spent = budget.fraction(session.step, steps, session.seconds)
        clock = Clock(session.step, steps, spent)
        # At the head of the loop, so that a run that was stopped during an evaluation makes it up.
        due = evaluations_due(session.step, steps, spent, job.training.evaluations)
        if due > len(session.evaluations) and session.step > last_evaluation(session):
            session.evaluations.append(evaluate(job, session, clock))
            for observer in observers:
                observer.on_evaluation(session)
            lost = lost_measure(job.task, session.evaluations[-1])
            if lost is not None:
                return end("diverged", not_finite(*lost, session.step))
        if spent >= 1.0:
            return end("finished")
        if interrupted(session.step):
            return end("interrupted", stopped(session.step))
        started = time.perf_counter()
        report = advance(job, session, clock)
        session.seconds += job.team.longest(time.perf_counter() - started)
        for observer in observers:
            observer.on_step(session, report)
        after = budget.fraction(session.step, steps, session.seconds)
        if session.step % job.training.check_every == 0 or after >= 1.0:
            job.team.check(session.params, session.step)
            if not math.isfinite(report.loss()):
                return end("diverged", not_finite("loss", report.loss(), session.step))


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
    """The step of the last evaluation, 0 before the first."""
    return session.evaluations[-1].step if session.evaluations else 0
