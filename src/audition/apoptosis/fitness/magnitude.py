"""Fitness as magnitude: the size of a unit's weights, which asks nothing of gradients or data."""

from dataclasses import dataclass

import torch
from torch import Tensor

from audition.apoptosis.strategy import Fitness, Site
from audition.recipe.probe import Probe
from audition.recipe.signals import Tensors, View


@dataclass(frozen=True, kw_only=True)
class Magnitude(Fitness):
    """‖w_in[j]‖ ‖w_out[j]‖, which scaling one side up and the other down leaves as it is."""

    def score(self, site: Site, probe: Probe, state: None, view: View) -> Tensor:
        return norms(site, "incoming", view.params) * norms(site, "outgoing", view.params)


def norms(site: Site, role: str, tensors: Tensors) -> Tensor:
    """The norm of each unit's entries in the site's parts of `role`, [H]; biases are left out."""
    total: Tensor | None = None
    for part in site.units.parts:
        tensor = tensors[part.parameter]
        if part.role == role and tensor.ndim > 1:
            rows = tensor.movedim(part.axis, 0).reshape(site.units.count, -1)
            squares = rows.square().sum(1)
            total = squares if total is None else total + squares
    if total is None:
        raise ValueError(f"the units of {site.name} have no {role} matrix")
    return torch.sqrt(total)
