"""What is trained on: the cross-entropy of the next token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval
from torch import Tensor, nn
from torch.nn import functional as F

from audition.recipe.signals import Batch


@dataclass(frozen=True, kw_only=True)
class CrossEntropy:
    """The mean over a batch's tokens of -log p(next token), in nats."""

    label_smoothing: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    """Share of the target's probability that is spread over the whole vocabulary."""

    def __call__(self, model: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        logits = model(batch.inputs).float()  # [B, T, V]
        loss = F.cross_entropy(
            logits.flatten(0, 1), batch.targets.flatten(), label_smoothing=self.label_smoothing
        )
        return {"cross_entropy": loss}
