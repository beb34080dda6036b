"""Functional preservation: the least fit hidden units die, and each is reborn by splitting a parent.

The child copies its parent's incoming row and takes a share of its outgoing column, so the layer
computes what it did: only the dead unit's own contribution is lost. Net2Net's widening (Chen et al.
2016) with the room made by death.

Shapes: H hidden units, C width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor, nn

from audition.recipe.signals import Batches, Gradient, View
from audition.recipe.turnover import Transplant, Turnover


@dataclass(frozen=True, kw_only=True)
class FunctionalPreservation(Turnover):
    """Every `interval` steps, in every feed-forward layer, until `until` of the budget is spent."""

    rate: Annotated[float, Interval(ge=0, le=0.5)] = 0.05
    """Share of a layer's units that die at an event; 0 is the exact identity."""
    interval: Annotated[int, Gt(0)] = 200
    """Steps between events."""
    warmup: Annotated[int, Ge(0)] = 100
    """Steps before the first event."""
    until: Annotated[float, Interval(gt=0, le=1)] = 0.8
    """Share of the budget after which nobody dies any more."""
    memory: Annotated[float, Interval(ge=0, lt=1)] = 0.95
    """Of the moving average of a unit's fitness, per step."""
    noise: Annotated[float, Ge(0)] = 0.0
    """Added to a child's row, in units of the row's standard deviation."""

    def init(self, model: nn.Module) -> dict[str, Tensor]:
        """Fitness [H] of every layer that has `up` and `down` maps."""
        return {
            name: torch.zeros(layer.up.weight.shape[0], device=layer.up.weight.device)
            for name, layer in model.named_modules()
            if isinstance(getattr(layer, "up", None), nn.Module)
            and isinstance(getattr(layer, "down", None), nn.Module)
        }

    def propose(
        self, model: nn.Module, gradient: Gradient, batches: Batches, state: Any, view: View
    ) -> tuple[Sequence[Transplant], Any]:
        if self.rate == 0.0 or gradient.closed:
            return (), state
        after = {
            layer: self.memory * fitness + (1.0 - self.memory) * saliency(view, gradient, layer)
            for layer, fitness in state.items()
        }
        step = view.clock.step + 1
        due = step > self.warmup and step % self.interval == 0 and view.clock.fraction < self.until
        if not due:
            return (), after
        return [self._reborn(layer, fitness, view) for layer, fitness in after.items()], after

    def _reborn(self, layer: str, fitness: Tensor, view: View) -> Transplant:
        up, down = view.params[f"{layer}.up.weight"], view.params[f"{layer}.down.weight"]
        bias = view.params.get(f"{layer}.up.bias")
        generator = view.streams.generator(layer, view.clock.step)
        order = fitness.argsort()
        # Half at most, since a unit cannot die and be a parent.
        dying = order[: min(ceil(self.rate * len(fitness)), len(fitness) // 2)]
        # Each survivor has one child at most, the fittest first, so that every split is of a whole.
        parents = order.flip(0)[: len(dying)]
        share = torch.rand(len(dying), generator=generator).to(up) * 0.4 + 0.3
        # Exactly one half would give parent and child the same gradients for ever.
        share = torch.where((share - 0.5).abs() < 0.01, 0.51, share)
        rows = up[parents]  # [k, C]
        if self.noise:
            draw = torch.randn(rows.shape, generator=generator).to(rows)
            rows = rows + self.noise * rows.std(1, keepdim=True) * draw
        whole = down[:, parents]  # [C, k]
        return Transplant(
            layer=layer,
            units=dying,
            rows=rows,
            biases=None if bias is None else bias[parents],
            columns=whole * share,
            parents=parents,
            rescaled=parents,
            rescaled_columns=whole * (1.0 - share),
        )


def saliency(view: View, gradient: Gradient, layer: str) -> Tensor:
    """|sum of weight x gradient| over each unit's outgoing column, [H].

    The first-order change of the loss if the unit were removed (Molchanov et al. 2019): the sum over
    a column equals the batch's sum of activation x its gradient.
    """
    name = f"{layer}.down.weight"
    product: Tensor = (view.params[name] * gradient.grads[name]).sum(0).abs()
    return product
