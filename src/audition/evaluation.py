"""Evaluation of a session: every evaluator on the fixed held-out rows, in evaluation mode."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from audition.errors import AuditionError
from audition.execution import Execution
from audition.parallel.team import ALONE, Team
from audition.recipe.evaluator import Evaluator
from audition.recipe.signals import Batch, Batches, Predict

AT_ONCE = {"cpu": 2048, "cuda": 16384}
"""Units of a batch: what stays in a core's cache, and what keeps a card busy. No metric depends on
it."""


@dataclass(frozen=True)
class HeldOutRows:
    """The held-out rows of a run, put to its model: a `recipe.evaluator.HeldOut`."""

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


def _number(value: object, evaluator: str, metric: str) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise AuditionError(
            f"evaluator '{evaluator}' returned {metric}={value!r}, which is not a number"
        ) from None
