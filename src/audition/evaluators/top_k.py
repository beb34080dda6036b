"""Top-k accuracy: how often the right answer is among the k most probable ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge

from audition.recipe.evaluator import Evaluator, HeldOut


@dataclass(frozen=True, kw_only=True)
class TopK(Evaluator):
    """`accuracy` in percent of predictions: of tokens in text, of examples elsewhere."""

    measures: ClassVar = {"accuracy": ("top-k accuracy", "%", "higher")}

    k: Annotated[int, Ge(1)] = 5
    """Answers that count as right; 1 is plain accuracy."""

    def __call__(self, held_out: HeldOut) -> Mapping[str, float]:
        totals = torch.zeros(2, dtype=torch.float64, device=held_out.device)
        for batch, logits in held_out.passes():
            best = logits.topk(min(self.k, logits.shape[-1]), dim=-1).indices  # [..., k]
            right = (best == batch.targets[..., None]).any(-1).sum()
            totals += torch.stack([right.double(), totals.new_tensor(batch.units)])
        right_in_all, predictions = held_out.sum(totals).tolist()
        return {"accuracy": 100.0 * right_in_all / predictions}
