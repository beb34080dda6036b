"""Gradual pruning by magnitude: the smallest weights of every matrix become zero, ever more of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Interval
from torch import Tensor

from audition.errors import AuditionError
from audition.parts.initial import role_of
from audition.recipe.effect import Effect, Meters
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.units import Resize


@dataclass(frozen=True, kw_only=True)
class Prune(Effect):
    """After every update, a share s of each matrix of the blocks is zero; s = amount (1 - (1 - u)³).

    Zhu & Gupta 2017, "To prune, or not to prune": u runs from 0 to 1 between the shares `begin` and
    `end` of the budget, and every `every` steps the smallest entries of each matrix, ⌊s n⌋ of n, are
    masked. A masked entry stays so: it is zero, hence among the smallest, at the next choice. Its
    gradient is zero too, so that clipping does not count it and the optimizer's moments of it fade.
    Embeddings, the head, norms and biases stay whole. An amount of 0 is the exact identity.

    Memory: a mask, a byte for each entry of the matrices.

    Meters: `sparsity`, the share of their entries that is masked.
    """

    neutral: ClassVar[Mapping[str, object]] = {"amount": 0.0}
    active: ClassVar[Mapping[str, object]] = {"amount": 0.5, "begin": 0.0, "end": 0.5, "every": 2}

    amount: Annotated[float, Interval(ge=0, lt=1)] = 0.8
    """Share of each matrix that is zero in the end."""
    begin: Annotated[float, Interval(ge=0, lt=1)] = 0.2
    """Share of the budget at which pruning begins."""
    end: Annotated[float, Interval(gt=0, le=1)] = 0.8
    """Share of the budget at which it has come to the amount."""
    every: Annotated[int, Ge(1)] = 20
    """Steps between two choices of what is masked."""

    def __post_init__(self) -> None:
        if self.begin >= self.end:
            raise AuditionError(f"begin={self.begin} of prune is not before its end={self.end}")

    def moments(self) -> frozenset[str]:
        return super().moments() if self.amount else frozenset()

    def init(self, params: Tensors, streams: Streams) -> dict[str, Any]:
        return {"masks": {}, "reached": False}

    def share(self, spent: float) -> float:
        """s, once this share of the budget is spent.

        Examples:
            >>> [round(Prune(amount=0.8).share(spent), 3) for spent in (0.1, 0.2, 0.5, 0.8, 1.0)]
            [0.0, 0.0, 0.7, 0.8, 0.8]
        """
        u = min(max((spent - self.begin) / (self.end - self.begin), 0.0), 1.0)
        return self.amount * (1.0 - (1.0 - u) ** 3)

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        masks = state["masks"]
        grads = {n: masked(g, masks[n]) if n in masks else g for n, g in gradient.grads.items()}
        return gradient.with_grads(grads), state

    def on_weights(self, params: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        # The clock is that of the step's beginning: what is spent now is one step more.
        step, steps = view.clock.step + 1, view.clock.steps
        spent = view.clock.fraction if steps is None else step / steps
        reached = spent >= self.end
        share = self.share(spent)
        # Once more as it ends, whatever `every` is, so that the amount is reached.
        if share > 0 and (step % self.every == 0 or reached) and not state["reached"]:
            matrices = {n: p for n, p in params.items() if role_of(n, view.params[n]) == "matrix"}
            masks = {n: largest(p, share) for n, p in matrices.items()}
            state = {"masks": masks, "reached": reached}
        masks = state["masks"]
        return {n: masked(p, masks[n]) if n in masks else p for n, p in params.items()}, state

    def on_resize(self, resize: Resize, params: Tensors, state: Any) -> Any:
        """Entries that were masked are zero, and new units have none that are masked."""
        masks = {
            n: m if m.shape == params[n].shape else params[n].detach() != 0
            for n, m in state["masks"].items()
        }
        return {**state, "masks": masks}

    def meters(self, state: Any) -> Meters:
        masks = state["masks"].values()
        whole = sum(mask.numel() for mask in masks)
        if not whole:
            return {"sparsity": 0.0}
        return {"sparsity": 1.0 - torch.stack([mask.sum() for mask in masks]).sum() / whole}


def masked(tensor: Tensor, mask: Tensor) -> Tensor:
    """`tensor`, zero where `mask` is false."""
    return torch.where(mask, tensor, torch.zeros_like(tensor))


def largest(weight: Tensor, share: float) -> Tensor:
    """Which entries of `weight` [...] are not among its ⌊share · n⌋ smallest by magnitude, a bool.

    Examples:
        >>> largest(torch.tensor([[0.5, -3.0], [0.1, 2.0]]), 0.5)
        tensor([[False,  True],
                [False,  True]])
    """
    sizes = weight.detach().abs().flatten()
    # 0.8 · 10 is 8 in floating point, and 0.7 · 10 is not 7.
    dropped = int(share * sizes.numel() + 1e-9)
    smallest = sizes.topk(dropped, largest=False).indices
    mask = torch.ones_like(sizes, dtype=torch.bool).scatter(0, smallest, False)
    return mask.view(weight.shape)
