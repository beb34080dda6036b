"""Looks at a small part of the held-out rows between the evaluations: a curve of more than two points.

No verdict uses them, and none of a run's bits depends on them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audition.evaluators.classes import Classes
from audition.evaluators.next_token import NextToken, PerByte
from audition.measure import recorded
from audition.observers.observer import StepReport
from audition.parts.batch_norm import norms_of
from audition.recipe.batches import Batch, Clock
from audition.recipe.problem import Predict
from audition.records.metrics import BETWEEN
from audition.session import Session
from audition.training.evaluation import HeldOutRows, cards_in_use, measured
from audition.training.evaluation_weights import evaluation_weights
from audition.training.job import Job

APART = 20
"""Steps between two looks, at least: a look takes four tenths of a step (`scripts.bench.looks`)."""
PLAIN = (NextToken, PerByte, Classes)
"""Evaluators that make one pass over the rows and learn nothing."""


@dataclass(frozen=True)
class Part(HeldOutRows):
    """A few of the held-out rows, in one batch, that every look of a run sees."""

    rows: Batch | None = None

    def passes(self) -> Iterator[tuple[Batch, Tensor]]:
        assert self.rows is not None
        with self.execution.context():
            logits = self.predict(self.rows)
        yield self.rows, logits


def spread(batches: Iterable[Batch], wanted: int) -> Batch:
    """About `wanted` rows of `batches`, at even distances; all of them where there are fewer."""
    held = list(batches)
    apart = max(1, sum(batch.rows for batch in held) // wanted)
    chosen, before = [], 0
    for batch in held:
        rows = torch.arange(batch.rows)[-before % apart :: apart]
        chosen.append(batch.cut(rows))
        before += batch.rows
    return joined([batch for batch in chosen if batch.rows])


def joined(batches: Sequence[Batch]) -> Batch:
    """The rows of `batches`, which are of one shape, as one batch."""
    first = batches[0]
    allowed = None if first.allowed is None else torch.cat([b.allowed for b in batches])  # type: ignore[misc]
    return Batch(
        torch.cat([batch.inputs for batch in batches]),
        torch.cat([batch.targets for batch in batches]),
        torch.cat([batch.ids for batch in batches]),
        torch.cat([batch.groups for batch in batches]),
        allowed,
    )


class Looks:
    """The task's measures on as many held-out rows as a training batch has, spread over all of them.

    A look sees the weights that evaluation sees. Tasks whose evaluation is more than one pass, models
    with batch norms, packs, and weights that are parted among processes are not looked at.
    """

    def __init__(self, job: Job, *, packed: bool = False) -> None:
        evaluators = job.task.evaluators()
        plain = all(type(each) in PLAIN for each in evaluators.values())
        plain &= not job.task.begins_untrained  # a stream is evaluated phase by phase
        self.job, self.evaluators = job, evaluators
        self.looks = job.training.looks if plain and not packed and not job.team.sharded else 0
        self.rows: Batch | None = None  # made at the first look

    def __call__(self, session: Session, report: StepReport) -> dict[str, float]:
        """`between/val_loss`, … after a step at which a look is due; mostly nothing."""
        steps = report.clock.steps
        if not self.looks or steps is None:
            return {}
        apart = max(APART, -(-steps // (self.looks + 1)))
        if session.step % apart or session.step >= steps:
            return {}
        if norms_of(session.model):  # what they remember is made at an evaluation
            self.looks = 0
            return {}
        return self._look(session, report.clock)

    def _look(self, session: Session, clock: Clock) -> dict[str, float]:
        execution = self.job.execution
        if self.rows is None:
            wanted = session.batches.train(clock).rows
            self.rows = spread(session.batches.held_out(), wanted).to(execution.device)
        part = Part(
            Predict(session.model, session.loss), session.batches, execution, rows=self.rows
        )
        weights = evaluation_weights(self.job.recipe, session, clock)
        with torch.no_grad(), weights, torch.random.fork_rng(cards_in_use(execution)):
            found = measured(self.evaluators, part)
        return {f"{BETWEEN}{recorded(name)}": value for name, value in found.items()}
