"""Fitness as saliency: how much the loss would change, to first order, if the unit were removed."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Interval
from torch import Tensor

from audition.apoptosis.strategy import Fitness, Site
from audition.recipe.probe import Probe
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View


@dataclass(frozen=True, kw_only=True)
class Saliency(Fitness):
    """A moving average of `saliency` over the steps so far."""

    memory: Annotated[float, Interval(ge=0, lt=1)] = 0.95
    """Of the moving average, per step."""

    def init(self, site: Site, params: Tensors) -> Tensor:
        return torch.zeros(site.units.count, device=params[site.units.parts[0].parameter].device)

    def observe(self, site: Site, gradient: Gradient, state: Tensor, view: View) -> Tensor:
        return self.memory * state + (1.0 - self.memory) * saliency(site, gradient, view)

    def score(self, site: Site, probe: Probe, state: Tensor, view: View) -> Tensor:
        return state


def saliency(site: Site, gradient: Gradient, view: View) -> Tensor:
    """|sum of weight x gradient| over each unit's outgoing entries, [H].

    The first-order change of the loss if the unit were removed (Molchanov et al. 2019): the sum
    over an outgoing column equals the batch's sum of activation x its gradient.
    """
    total: Tensor | None = None
    for part in site.units.parts_of("outgoing"):
        product = view.params[part.parameter] * gradient.grads[part.parameter]
        others = [axis for axis in range(product.ndim) if axis != part.axis]
        own = product.sum(others) if others else product  # [H * size]
        if part.size > 1:
            own = own.view(-1, part.size).sum(1)
        total = own if total is None else total + own
    if total is None:
        raise ValueError(f"the units of {site.name} have no outgoing part")
    return total.abs()
