"""Expected calibration error: the distance between a model's confidence and its accuracy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge

from audition.recipe.evaluator import Evaluator, HeldOut


@dataclass(frozen=True, kw_only=True)
class Calibration(Evaluator):
    """Σ over bins of (share of predictions in it) · |accuracy − mean confidence| (Guo et al. 2017).

    Confidence is the highest probability; bins are of equal width. A prediction is a token of text,
    or an example.
    """

    measures: ClassVar = {"error": ("expected calibration error", "", "lower")}

    bins: Annotated[int, Ge(1)] = 15
    """Bins of confidence, of equal width between 0 and 1."""

    def __call__(self, held_out: HeldOut) -> Mapping[str, float]:
        # [bins, 3]: predictions, right ones, and the sum of their confidence
        totals = torch.zeros(self.bins, 3, dtype=torch.float64, device=held_out.device)
        for batch, logits in held_out.passes():
            sure, answer = logits.softmax(-1).flatten(0, -2).max(-1)  # [N] each
            place = (sure * self.bins).long().clamp(max=self.bins - 1)
            right = (answer == batch.targets.flatten()).double()
            each = torch.stack([torch.ones_like(right), right, sure.double()], 1)  # [N, 3]
            totals.index_add_(0, place, each)
        many, right_in_all, sure_in_all = held_out.sum(totals).T
        return {"error": float((right_in_all - sure_in_all).abs().sum() / many.sum())}
