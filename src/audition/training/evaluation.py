"""Evaluation of a session: every evaluator on the fixed held-out rows, in evaluation mode."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from audition.errors import AuditionError
from audition.execution import Execution
from audition.measure import recorded
from audition.parallel.team import ALONE, Team
from audition.parts.batch_norm import recent, settle
from audition.recipe.batches import Batch, Batches, Clock
from audition.recipe.evaluator import Episode, Evaluator
from audition.recipe.problem import Cost, Predict
from audition.session import Evaluation, Session
from audition.tasks.task import Task
from audition.training.adaptation import Adapted, adapted
from audition.training.evaluation_weights import evaluation_weights
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
    learn: Callable[..., Iterator[Adapted]] | None = None  # `adapted` of the run

    @property
    def device(self) -> str:
        return self.execution.device

    def passes(self) -> Iterator[tuple[Batch, Tensor]]:
        for batch in self.team.share(self.batches.held_out(AT_ONCE[self.device])):
            here = batch.to(self.device)
            with self.execution.context():
                logits = self.predict(here)
            yield here, logits

    def adapted(self, episodes: Iterable[Episode], *, rate: float, steps: int) -> Iterator[Adapted]:
        if self.learn is None:
            raise AuditionError("weights that were kept without their run cannot learn any more")
        return self.learn(episodes, rate=rate, steps=steps)

    def sum(self, totals: Tensor) -> Tensor:
        return self.team.sum(totals)


def evaluate(
    job: Job,
    session: Session,
    clock: Clock,
    seen: Callable[[Evaluation], None] = lambda evaluation: None,
) -> Evaluation:
    """Every evaluator on the held-out rows, with the model in evaluation mode.

    They see averaged weights, where the optimizer or an effect keeps such for evaluation, and batch
    norms get the statistics of these. `seen` is called while these are in place.
    """
    rows = HeldOutRows(
        Predict(session.model, session.loss),
        session.batches,
        job.execution,
        job.team,
        partial(adapted, job, session),
    )
    weights = evaluation_weights(job.recipe, session, clock)
    with torch.no_grad(), weights, job.team.whole(session.model):
        # What evaluators draw must not move the generator that dropout draws from.
        with torch.random.fork_rng(cards_in_use(job.execution)):
            inputs = recent(session.batches, clock)
            passes = settle(session.model, inputs, job.execution.context)
            session.adaptation += Cost(forward=float(passes))
            metrics = measured(job.evaluators, rows)
        evaluation = Evaluation(session.step, session.units, metrics)
        seen(evaluation)
    return evaluation


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


def cards_in_use(execution: Execution) -> list[int]:
    """The cards whose generators an evaluation must not move."""
    return [torch.cuda.current_device()] if execution.device == "cuda" else []


def _number(value: object, evaluator: str, metric: str) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise AuditionError(
            f"evaluator '{evaluator}' returned {metric}={value!r}, which is not a number"
        ) from None
