"""Validation of a classifier: accuracy and plain cross-entropy over the held-out examples."""

from collections.abc import Mapping

import torch
from torch.nn import functional as F

from audition.recipe.evaluator import Evaluator, HeldOut


class Classes(Evaluator):
    """`accuracy` in percent and `loss` in nats per example, over all held-out examples.

    Where the batches tell domains apart, also over those of each: `accuracy_<domain>`,
    `loss_<domain>`.
    """

    def __call__(self, held_out: HeldOut) -> Mapping[str, float]:
        domains = held_out.batches.domains
        totals = torch.zeros(1 + len(domains), 3, dtype=torch.float64, device=held_out.device)
        for batch, logits in held_out.passes():  # [B, V]
            right = (logits.argmax(-1) == batch.targets).double()
            nats = F.cross_entropy(logits, batch.targets, reduction="none").double()
            each = torch.stack([right, nats, torch.ones_like(nats)])  # [3, B]
            totals[0] += each.sum(1)
            for i in range(len(domains)):
                totals[1 + i] += each[:, batch.groups == i].sum(1)
        found: dict[str, float] = {}
        for name, (right_in_all, nats_in_all, examples) in zip(
            ("", *(f"_{domain}" for domain in domains)), held_out.sum(totals).tolist(), strict=True
        ):
            found[f"accuracy{name}"] = 100.0 * right_in_all / examples
            found[f"loss{name}"] = nats_in_all / examples
        return found
