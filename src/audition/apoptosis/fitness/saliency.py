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
from audition.recipe.units import saliency


@dataclass(frozen=True, kw_only=True)
class Saliency(Fitness):
    """A moving average of `saliency` over the steps so far."""

    memory: Annotated[float, Interval(ge=0, lt=1)] = 0.95
    """Of the moving average, per step."""

    def init(self, site: Site, params: Tensors) -> Tensor:
        return torch.zeros(site.units.count, device=params[site.units.parts[0].parameter].device)

    def observe(self, site: Site, gradient: Gradient, state: Tensor, view: View) -> Tensor:
        return self.memory * state + (1.0 - self.memory) * saliency(
            site.units, view.params, gradient.grads
        )

    def score(self, site: Site, probe: Probe, state: Tensor, view: View) -> Tensor:
        return state
