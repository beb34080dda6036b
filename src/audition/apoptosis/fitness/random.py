"""Random fitness: the control that any other fitness must beat."""

from dataclasses import dataclass

import torch
from torch import Tensor

from audition.apoptosis.strategy import Fitness, Site
from audition.recipe.probe import Probe
from audition.recipe.signals import View


@dataclass(frozen=True, kw_only=True)
class Random(Fitness):
    """Each unit's worth is drawn from [0, 1) at every event: victims and parents are random."""

    def score(self, site: Site, probe: Probe, state: None, view: View) -> Tensor:
        generator = view.streams.child("fitness").generator(site.name, view.clock.step)
        drawn = torch.rand(site.units.count, generator=generator)
        return drawn.to(view.params[site.units.parts[0].parameter].device)
