"""Evaluation of a session: every evaluator on the fixed held-out rows, in evaluation mode."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from audition.errors import AuditionError
from audition.execution import Execution
from audition.measure import recorded
from audition.parallel.team import ALONE, Team
from audition.parts.stepping.together import averaging_of
from audition.recipe import tree
from audition.recipe.batches import Batch, Batches, Clock
from audition.recipe.evaluator import Evaluator
from audition.recipe.problem import Predict
from audition.recipe.recipe import Recipe
from audition.recipe.signals import Controls, View
from audition.session import Evaluation, Session
from audition.tasks.task import Task
from audition.training.job import Job

AT_ONCE = {"cpu": 2048, "cuda": 16384}
"""Units of a batch: what stays in a core's cache, and what keeps a card busy. No metric depends on
it."""


@dataclass(frozen=True)
class HeldOutRows:
    """The held-out rows of a run and its model: a `recipe.evaluator.HeldOut`."""

    predict: Predict
    batches: Batches
    execution: Execution = field(default_factory=Execution)
    team: Team = ALONE

    @property
    def device(self) -> str:
        return self.execution.device

    def passes(self) -> Iterator[tuple[Batch, Tensor]]:
        for batch in self.team.share(self.batches.held_out(AT_ONCE[self.device])):
            here = batch.to(self.device)
            with self.execution.context():
                logits = self.predict(here)
            yield here, logits

    def sum(self, totals: Tensor) -> Tensor:
        return self.team.sum(totals)


def evaluate(
    job: Job,
    session: Session,
    clock: Clock,
    seen: Callable[[Evaluation], None] = lambda evaluation: None,
) -> Evaluation:
    """Every evaluator on the held-out rows, with the model in evaluation mode.

    They see averaged weights, where the optimizer or an effect keeps such for evaluation. `seen` is
    called while these are in place.
    """
    rows = HeldOutRows(
        Predict(session.model, session.loss), session.batches, job.execution, job.team
    )
    weights = evaluation_weights(job.recipe, session, clock)
    with torch.no_grad(), weights, job.team.whole(session.model):
        metrics = measured(job.evaluators, rows)
        evaluation = Evaluation(session.step, session.units, metrics)
        seen(evaluation)
    return evaluation


@contextmanager
def evaluation_weights(recipe: Recipe, session: Session, clock: Clock) -> Iterator[None]:
    """Put the weights for evaluation in place; afterwards restore the live ones to the bit.

    An optimizer that keeps an average (Schedule-Free) writes it by its own `eval()`, and the chain
    then sees that. `train()` of such an optimizer recomputes the live weights with rounding, so
    they are restored from a copy. Without either, no weight is touched.
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


def measured(evaluators: Mapping[str, Evaluator], rows: HeldOutRows) -> dict[str, float]:
    """`{"val/loss": 1.83, ...}`: every metric of every evaluator, under its name.

    Raises AuditionError for a value that is no number. Not-a-number is one.
    """
    modules = [m for m in (rows.predict.model, rows.predict.own) if m is not None]
    for module in modules:
        module.eval()
    try:
        with torch.no_grad():
            return {
                f"{name}/{metric}": _number(value, name, metric)
                for name, evaluator in evaluators.items()
                for metric, value in evaluator(rows).items()
            }
    finally:
        for module in modules:
            module.train()


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


def _number(value: object, evaluator: str, metric: str) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise AuditionError(
            f"evaluator '{evaluator}' returned {metric}={value!r}, which is not a number"
        ) from None
