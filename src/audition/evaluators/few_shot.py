"""Accuracy on episodes: what a model knows of classes after a few examples of each."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from audition.recipe.batches import Batch
from audition.recipe.evaluator import Episode, Evaluator, HeldOut

NORMAL = 1.96
"""Standard deviations on either side of a mean that hold 95 % of a normal distribution."""


@dataclass(frozen=True, kw_only=True)
class AfterSupport(Evaluator):
    """Mean `accuracy` [%] and `loss` over episodes, each learned anew, with the `interval`.

    `floor` is the accuracy of the nearest class mean of the support's pixels. Needs batches that
    have `episodes()`, each of a batch to learn and one to score.
    """

    rate: float
    steps: int

    def __call__(self, held_out: HeldOut) -> Mapping[str, float]:
        floors: list[Tensor] = []

        def heard(episode: Episode) -> Episode:
            (_, support), (_, query) = both = tuple(episode)
            floors.append(right(query, nearest(support, query)))
            return both

        episodes = map(heard, getattr(held_out.batches, "episodes")())  # noqa: B009
        accuracy, nats = [], []
        for _, batch, logits in held_out.adapted(episodes, rate=self.rate, steps=self.steps):
            accuracy.append(right(batch, logits.argmax(-1)))
            nats.append(F.cross_entropy(logits, batch.targets).double())
        found = 100.0 * torch.stack(accuracy)  # [episodes]
        return {
            "accuracy": float(found.mean()),
            "loss": float(torch.stack(nats).mean()),
            "interval": NORMAL * float(found.std()) / math.sqrt(len(found)),
            "floor": 100.0 * float(torch.stack(floors).mean()),
        }


def right(batch: Batch, answers: Tensor) -> Tensor:
    """The share of right `answers`, []."""
    return (answers == batch.targets).double().mean()


def nearest(support: Batch, query: Batch) -> Tensor:
    """[B]: for each row of `query` the class of `support` whose mean is nearest."""
    classes: Tensor = support.targets.unique()  # type: ignore[no-untyped-call]
    rows = support.inputs.flatten(1)
    means = torch.stack([rows[support.targets == c].mean(0) for c in classes])
    return classes[torch.cdist(query.inputs.flatten(1), means).argmin(1)]
