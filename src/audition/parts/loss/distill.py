"""Distillation: a model learns what another one expects, beside what is right.

Shape suffixes: N predictions, V answers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt, Interval
from torch import Tensor, nn
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.parts.flops import forward_flops
from audition.recipe.batches import Batch, Clock
from audition.recipe.problem import Loss, Predict


@dataclass(frozen=True, kw_only=True)
class Distill:
    """(1 - α) CE(targets, q) + α T² KL(p_T ‖ q_T), a mean over predictions, in nats.

    Hinton, Vinyals & Dean 2015, "Distilling the Knowledge in a Neural Network": p_T and q_T are the
    teacher's and the model's softmax at temperature T, and T² keeps the size of the gradient as T
    grows. The teacher is in evaluation mode, and each of its forward passes is counted, in passes
    of the model by their operations. At α = 0 it is cross-entropy, and no teacher is asked.
    """

    neutral: ClassVar[Mapping[str, object]] = {"alpha": 0.0}

    alpha: Annotated[float, Interval(ge=0, le=1)] = 0.5
    """Share of the teacher's word in what is trained on."""
    temperature: Annotated[float, Gt(0)] = 2.0
    """T: what logits of both are divided by."""
    teacher: str | None = None
    """An arm of the ledger (ARM, or ARM/CONFIG HASH), whose run of the same seed is the teacher; null
    is the model's own first weights, which know nothing: a control."""
    weights: str = ""
    """Digest of the teacher's weights; it is set for each seed where a run is planned."""

    def taught(self, make: Callable[[], nn.Module]) -> Loss:
        """The loss, with a teacher that `make` makes when it is first asked."""
        return DistillLoss(self, make)


@dataclass(frozen=True)
class DistillLoss(Loss):
    """What `Distill` says, with its teacher."""

    policy: Distill
    make: Callable[[], nn.Module]

    unpacked: ClassVar[str] = "each run of loss=distill has a teacher of its own"

    @cached_property
    def teacher(self) -> nn.Module:
        """The teacher, frozen, in evaluation mode."""
        return self.make().eval().requires_grad_(False)

    def beside(self, model: nn.Module) -> float:
        return self._cost(model) if self.policy.alpha else 0.0

    def _cost(self, model: nn.Module) -> float:
        known = vars(self).get("passes")
        if known is None:
            known = vars(self)["passes"] = passes(self.teacher, model)
        return float(known)

    def __call__(self, predict: Predict, batch: Batch, clock: Clock) -> Mapping[str, Tensor]:
        alpha, logits = self.policy.alpha, predict(batch).flatten(0, -2)  # [N, V]
        right = F.cross_entropy(logits, batch.targets.flatten())
        if not alpha:
            return {"cross_entropy": right}
        with torch.no_grad():
            expected = Predict(self.teacher.to(logits.device))(batch).flatten(0, -2)
        if expected.shape != logits.shape:
            raise AuditionError(
                f"the teacher has {expected.shape[-1]} answers, and the model {logits.shape[-1]}"
            )
        apart = divergence(expected, logits, self.policy.temperature)
        return {"cross_entropy": (1.0 - alpha) * right, "distillation": alpha * apart}


def divergence(teacher: Tensor, model: Tensor, temperature: float) -> Tensor:
    """T² KL(p_T ‖ q_T) of logits [N, V], a mean over the N predictions.

    Not torch's default reduction, which divides by N V.

    Examples:
        >>> logits = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
        >>> divergence(logits, logits, 2.0).item()
        0.0
    """
    p, q = ((x / temperature).log_softmax(-1) for x in (teacher, model))
    return temperature**2 * F.kl_div(q, p, reduction="batchmean", log_target=True)


def passes(teacher: nn.Module, model: nn.Module) -> float:
    """Forward passes of `model` that one of `teacher` costs: by operations, else by parameters."""
    places = getattr(model, "context", 1)
    try:
        return forward_flops(teacher, places) / forward_flops(model, places)
    except AuditionError:
        sizes = [sum(p.numel() for p in each.parameters()) for each in (teacher, model)]
        return sizes[0] / sizes[1]
