"""The loop of a run: controls, gradient, update, turnover, evaluation, each by the recipe."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, Literal

import torch
from annotated_types import Gt
from torch.nn.utils import clip_grad_norm_

from audition.apoptosis.surgery import Weights, operate
from audition.budget import Budget
from audition.errors import AuditionError
from audition.evaluation import HeldOutRows, measured
from audition.execution import Execution
from audition.measure import recorded
from audition.observers.observer import Observer, StepReport
from audition.parallel.team import ALONE, Team
from audition.parts.dropout import set_dropout_gain
from audition.parts.optim.averaging import averaging_of
from audition.parts.optim.controls import apply_controls
from audition.reasons import not_finite, stopped
from audition.recipe import tree
from audition.recipe.evaluator import Evaluator
from audition.recipe.probe import Probe
from audition.recipe.recipe import Recipe
from audition.recipe.signals import Clock, Controls, Gradient, Predict, Problem, Tensors, View
from audition.session import Evaluation, Session, begin
from audition.tasks.language import Language
from audition.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class Training:
    """The loop's own settings."""

    clip: Annotated[float, Gt(0)] | None = 1.0
    """Global norm to which gradients are clipped; null never clips."""
    evaluations: Annotated[int, Gt(0)] = 2
    """Full passes over the held-out windows, evenly spread; the last falls on the last step."""
    check_every: Annotated[int, Gt(0)] = 10
    """Steps between looks at whether the loss is still finite; a look waits for the device."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and what it had spent by then."""

    status: Literal["finished", "diverged", "interrupted"]
    session: Session
    reason: str = ""

    @property
    def final(self) -> Mapping[str, float]:
        """The metrics of the last evaluation, empty before the first."""
        return self.session.evaluations[-1].metrics if self.session.evaluations else {}


@dataclass(frozen=True)
class Job:
    """One run to be trained: a recipe, a seed, how long, on what and with whom."""

    recipe: Recipe
    seed: int
    task: Task = field(default_factory=Language)
    budget: Budget = field(default_factory=Budget)
    training: Training = field(default_factory=Training)
    execution: Execution = field(default_factory=Execution)
    team: Team = ALONE

    @property
    def evaluators(self) -> Mapping[str, Evaluator]:
        """The task's evaluators, then the others; raises AuditionError where two share a name."""
        judged, beside = self.task.evaluators(), self.recipe.evaluators
        for name in judged.keys() & beside.keys():
            raise AuditionError(
                f"evaluator '{name}' would replace the task's own of that name: rename it"
            )
        return {**judged, **beside}


def train(
    job: Job,
    observers: Sequence[Observer] = (),
    *,
    resume: Mapping[str, Any] | None = None,
    interrupted: Callable[[int], bool] = lambda step: False,
) -> Outcome:
    """Train one run to the end of its budget, or to divergence, or until `interrupted(step)`.

    A run resumed from `Session.snapshot()` goes on with the bits it would have had. Observers look
    and never touch: the same weights come out whoever is watching.
    """
    recipe, budget = job.recipe, job.budget
    job.execution.enter()
    session = begin(recipe, job.seed, job.execution.device)
    job.execution.prepare(session.model)
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


def advance(job: Job, session: Session, clock: Clock) -> StepReport:
    """One optimizer step: the moments of the chain in the order they happen."""
    recipe, effects = job.recipe, job.recipe.effects
    controls = recipe.schedule(clock)
    weights: Tensors = session.params
    view = View(clock, controls, weights, session.streams.child("effects"))
    state = session.effects

    controls, state = effects.before_batch(controls, state, view)
    view = replace(view, controls=controls)
    rule, state = effects.wrap_gradient(recipe.gradient, state, view)
    batch = session.batches.train(clock).to(job.execution.device)
    execution = job.execution
    set_dropout_gain(session.model, controls.dropout)
    problem = Problem(
        session.model,
        session.params,
        recipe.loss,
        batch,
        execution.accumulate,
        execution.context,
        clock,
        session.loss,
    )
    gradient = rule(problem)
    with torch.no_grad():
        gradient, state = effects.on_gradients(gradient, state, view)
        norm = None
        if not gradient.closed:
            norm = load_gradients(session, gradient, job.training.clip)
            apply_controls(session.optimizer, controls)
            state = update(recipe, session, state, view)
        session.effects = state
        own = replace(view, streams=session.streams.child("apoptosis"))
        probe = probe_of(job, session, batch.rows)
        events, session.apoptosis = recipe.apoptosis.propose(
            probe, gradient, session.apoptosis, own
        )
        here = Weights(session.model, session.params, session.optimizer)
        for resize in operate(here, events):
            session.widths[resize.site] = resize.count
            session.effects = effects.on_resize(resize, session.params, session.effects)

    session.step += 1
    session.units += batch.units
    session.cost += gradient.cost + probe.cost
    meters = partial(effects.meters, state)
    return StepReport(clock, controls, gradient, norm, tuple(events), meters)


def probe_of(job: Job, session: Session, rows: int) -> Probe:
    """What apoptosis may look through after a step whose batch has `rows`."""
    text, device = session.batches.probe, job.execution.device
    return Probe(
        session.model,
        lambda number: text(number).to(device),
        rows=rows,
        processes=job.team.size,
        context=job.execution.context,
    )


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


def load_gradients(session: Session, gradient: Gradient, clip: float | None) -> torch.Tensor | None:
    """Hand the gradients to the parameters and clip them; returns the norm before clipping."""
    for name, parameter in session.params.items():
        grad = gradient.grads.get(name)
        parameter.grad = None if grad is None else laid_out(grad, parameter)
    return None if clip is None else clip_grad_norm_(session.params.values(), clip)


def laid_out(grad: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    """`grad` with the strides of `parameter`; itself where it has them.

    Fused optimizers read memory in order, whatever the strides: a transposed gradient, or a
    contiguous one of channels-last weights, would be applied to the wrong weights without a word.
    """
    if grad.stride() == parameter.stride():
        return grad
    return torch.empty_like(parameter, dtype=grad.dtype).copy_(grad)


def update(recipe: Recipe, session: Session, state: Any, view: View) -> Any:
    """Step the optimizer and let the chain see, and change, the updates and then the weights."""
    moments, params = recipe.effects.moments(), session.params
    if "on_updates" in moments:
        before = tree.clone(params)
        session.optimizer.step()
        proposed = tree.subtract(params, before)
        earlier = replace(view, params=before)
        updates, state = recipe.effects.on_updates(proposed, state, earlier)
        changed = {n: before[n] for n in params if updates[n] is not proposed[n]}
        tree.write({n: params[n] for n in changed}, tree.add(changed, updates))
    else:
        session.optimizer.step()
    session.optimizer.zero_grad(set_to_none=True)
    if "on_weights" in moments:
        weights, state = recipe.effects.on_weights(params, state, view)
        tree.write({n: p for n, p in params.items() if weights[n] is not p}, weights)
    return state


def evaluate(job: Job, session: Session, clock: Clock) -> Evaluation:
    """Every evaluator on the held-out rows, with the model in evaluation mode.

    They see the weights that only evaluation sees, where the optimizer or an effect has such.
    """
    rows = HeldOutRows(
        Predict(session.model, session.loss), session.batches, job.execution, job.team
    )
    with torch.no_grad(), evaluation_weights(job.recipe, session, clock):
        metrics = measured(job.evaluators, rows)
    return Evaluation(session.step, session.units, metrics)


@contextmanager
def evaluation_weights(recipe: Recipe, session: Session, clock: Clock) -> Iterator[None]:
    """The weights as evaluators see them; afterwards, as it was: the live weights to the bit.

    An optimizer that keeps an average (Schedule-Free) writes it by its own `eval()`, and the chain
    then sees that. `train()` of such an optimizer computes the live weights anew, and rounds: they
    are restored from a copy. Without either, not a weight is touched.
    """
    averaging = averaging_of(session.optimizer)
    swaps = bool(averaging) or "on_evaluation" in recipe.effects.moments()
    live = tree.clone(session.params) if swaps else {}
    try:
        for optimizer in averaging:
            optimizer.eval()
        if swaps:
            streams = session.streams.child("effects")
            view = View(clock, Controls(), session.params, streams)
            seen = recipe.effects.on_evaluation(session.params, session.effects, view)
            tree.write({n: p for n, p in session.params.items() if seen[n] is not p}, seen)
        yield
    finally:
        for optimizer in averaging:
            optimizer.train()
        tree.write({n: session.params[n] for n in live}, live)


def lost_measure(task: Task, evaluation: Evaluation) -> tuple[str, float] | None:
    """The first of the task's measures that is infinite or not a number, and its value.

    Raises AuditionError where the task's evaluators leave one of its measures out.
    """
    found = {recorded(name): value for name, value in evaluation.metrics.items()}
    for name, measure in task.measures.items():
        if name not in found:
            raise AuditionError(f"the task promises '{name}', and no evaluator of it measures that")
        if not math.isfinite(found[name]):
            return measure.label, found[name]
    return None
