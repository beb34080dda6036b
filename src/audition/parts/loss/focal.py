"""Focal loss: cross-entropy that counts a prediction the less, the surer and righter it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge
from torch import Tensor
from torch.nn import functional as F

from audition.parts.loss.chunked import chunked_cross_entropy, focused, in_chunks
from audition.recipe.batches import Batch, Clock
from audition.recipe.problem import Loss, Predict


@dataclass(frozen=True, kw_only=True)
class Focal(Loss):
    """The mean over a batch's predictions of -(1 - p)^gamma log p, p that of the right answer.

    Lin et al. 2017, without their weights of classes. Validation stays plain cross-entropy.
    """

    gamma: Annotated[float, Ge(0)] = 2.0
    """How little sure predictions count; 0 is cross-entropy."""
    chunk: Annotated[int, Ge(1)] | Literal["auto", "off"] = "auto"
    """Predictions whose logits exist at a time, see cross_entropy."""

    def __call__(self, predict: Predict, batch: Batch, clock: Clock) -> Mapping[str, Tensor]:
        targets = batch.targets.flatten()
        if found := in_chunks(self.chunk, predict, batch):
            x, head, rows = found
            loss, _ = chunked_cross_entropy(x, head, targets, rows=rows, gamma=self.gamma)
        elif self.gamma:
            logits = predict(batch).flatten(0, -2)
            loss = focused(F.cross_entropy(logits, targets, reduction="none"), self.gamma)[0].mean()
        else:
            loss = F.cross_entropy(predict(batch).flatten(0, -2), targets)
        return {"focal": loss}
