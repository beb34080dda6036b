"""Muon (Jordan 2024): momentum whose matrices are orthogonalised, with AdamW for all the rest."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Interval
from torch.optim import Optimizer

from audition.parts.optim.adamw import AdamW
from audition.parts.stepping.controls import configured
from audition.parts.stepping.groups import Betas, Decay, Named, group, hidden
from audition.parts.stepping.orthogonal import StackedMuon
from audition.parts.stepping.together import Together


@dataclass(frozen=True, kw_only=True)
class Muon:
    """Torch's Muon on hidden matrices; AdamW on embeddings, heads, vectors and higher tensors.

    A step of a matrix is its momentum, mapped by Newton-Schulz towards the nearest orthogonal
    matrix and scaled by √max(1, rows / columns), times the rate.
    """

    packs: ClassVar[bool] = True

    lr: Annotated[float, Ge(0)] = 0.04594
    """Learning rate of the matrices at gain 1."""
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.9
    """How slowly the mean of a matrix's gradients forgets."""
    nesterov: bool = True
    """Whether the step looks ahead along the momentum."""
    weight_decay: Annotated[float, Ge(0)] = 0.0
    """Share of a matrix that a step at rate 1 takes away."""
    ns_steps: Annotated[int, Interval(ge=1, lt=100)] = 5
    """Newton-Schulz iterations, each three products of matrices in bfloat16."""
    ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315)
    """The iteration x → ax + bx³ + cx⁵ on singular values; the defaults rise fastest at 0."""
    adjust_lr: Literal["original", "match_rms_adamw"] = "original"
    """How the step scales with the shape: √max(1, rows/columns), or 0.2·√max(rows, columns)."""
    adamw_lr: Annotated[float, Ge(0)] = 0.002743
    """Learning rate of the rest at gain 1."""
    adamw_betas: Betas = (0.9, 0.999)
    """AdamW's betas for the rest."""
    adamw_eps: Annotated[float, Gt(0)] = 1e-8
    """AdamW's eps for the rest."""
    adamw_weight_decay: Annotated[float, Ge(0)] = 0.3903
    """AdamW's weight decay for the rest."""
    adamw_decay: Decay = "all"
    """What of the rest decays: all but vectors, or everything."""

    def __call__(self, named: Named) -> Optimizer:
        matrices, rest = hidden(named)
        members: list[Optimizer] = []
        if matrices:
            members.append(
                StackedMuon(
                    [group(matrices)],
                    lr=self.lr,
                    weight_decay=self.weight_decay,
                    momentum=self.momentum,
                    nesterov=self.nesterov,
                    ns_coefficients=self.ns_coefficients,
                    ns_steps=self.ns_steps,
                    adjust_lr_fn=self.adjust_lr,
                )
            )
        if rest:
            adamw = AdamW(
                lr=self.adamw_lr,
                betas=self.adamw_betas,
                eps=self.adamw_eps,
                weight_decay=self.adamw_weight_decay,
                decay=self.adamw_decay,
            )
            members.append(adamw(rest))
        return configured(Together(*members))
