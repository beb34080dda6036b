"""What is trained on by default: the cross-entropy of the right answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Interval
from torch import Tensor
from torch.nn import functional as F

from audition.parts.loss.chunked import chunked_cross_entropy, in_chunks
from audition.recipe.batches import Batch, Clock
from audition.recipe.problem import Loss, Predict


@dataclass(frozen=True, kw_only=True)
class CrossEntropy(Loss):
    """The mean over a batch's predictions of -log p(right answer), in nats."""

    label_smoothing: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    """Share of the target's probability that is spread over every answer that is allowed."""
    z_loss: Annotated[float, Ge(0)] = 0.0
    """Coefficient of a second term, the mean of log² Z, where Z is the sum of exp(logits): it keeps
    logits from drifting (PaLM, Chowdhery et al. 2022, at 1e-4)."""
    chunk: Annotated[int, Ge(1)] | Literal["auto", "off"] = "auto"
    """Predictions whose logits exist at a time, where the model ends in a linear map: bounds memory
    for large vocabularies. auto is about 2^26 logits from 2^27 on, off is all at once."""

    def __call__(self, predict: Predict, batch: Batch, clock: Clock) -> Mapping[str, Tensor]:
        if found := in_chunks(self.chunk, predict, batch):
            x, head, rows = found
            loss, z = chunked_cross_entropy(
                x,
                head,
                batch.targets.flatten(),
                rows=rows,
                smoothing=self.label_smoothing,
                z_loss=self.z_loss,
            )
        else:
            logits = predict(batch)  # [B, T, V] or [B, V]
            loss = self.of(logits, batch)
            z = self.z_loss * logits.logsumexp(-1).square().mean() if self.z_loss else loss
        terms = {"cross_entropy": loss}
        return terms | {"z_loss": z} if self.z_loss else terms

    def of(self, logits: Tensor, batch: Batch) -> Tensor:
        """The cross-entropy of all logits at once."""
        smoothing = self.label_smoothing if batch.allowed is None else 0.0
        loss = F.cross_entropy(
            logits.flatten(0, -2), batch.targets.flatten(), label_smoothing=smoothing
        )
        if batch.allowed is not None and self.label_smoothing:
            loss = torch.lerp(loss, _over_allowed(logits, batch.allowed), self.label_smoothing)
        return loss


def _over_allowed(logits: Tensor, allowed: Tensor) -> Tensor:
    """The mean of -log p over the allowed answers alone: over all of them it would be infinite."""
    each = -logits.log_softmax(-1)  # [B, V] or [B, T, V]
    seen = allowed.view(allowed.shape[0], *[1] * (logits.ndim - 2), allowed.shape[1])
    inside = each.masked_fill(~seen, 0.0).sum(-1) / seen.sum(-1)
    return inside.mean()
