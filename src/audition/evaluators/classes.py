"""Validation of a classifier: accuracy and plain cross-entropy over the held-out examples."""

from collections.abc import Mapping

import torch
from torch.nn import functional as F

from audition.recipe.evaluator import Evaluator, HeldOut


class Classes(Evaluator):
    """`accuracy` in percent and `loss` in nats per example."""

    def __call__(self, held_out: HeldOut) -> Mapping[str, float]:
        totals = torch.zeros(3, dtype=torch.float64, device=held_out.device)
        for batch, logits in held_out.passes():  # [B, V]
            right = (logits.argmax(-1) == batch.targets).sum()
            nats = F.cross_entropy(logits, batch.targets, reduction="none").double().sum()
            totals += torch.stack([right.double(), nats, totals.new_tensor(batch.units)])
        right_in_all, nats_in_all, examples = held_out.sum(totals).tolist()
        return {
            "accuracy": 100.0 * right_in_all / examples,
            "loss": nats_in_all / examples,
        }
