"""Noise without inheritance: the control that tells what a parent adds to a mutation."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge
from torch import Tensor

from audition.apoptosis.inheritance import copied, edit, noisy
from audition.apoptosis.strategy import Heredity, Site
from audition.recipe.probe import Probe
from audition.recipe.signals import View
from audition.recipe.turnover import Event


@dataclass(frozen=True, kw_only=True)
class Noise(Heredity):
    """A unit keeps its weights, and noise is added to the incoming ones; it has no parent."""

    sigma: Annotated[float, Ge(0)] = 0.3
    """Size of the noise, relative to the root mean square of the unit's own row."""
    moments: Literal["zero", "keep"] = "zero"
    """What the optimizer's moments of rewritten weights become: zero, or as they were."""

    def replace(self, site: Site, born: Tensor, fitness: Tensor, probe: Probe, view: View) -> Event:
        generator = view.streams.generator(site.name, view.clock.step)
        edits = [
            edit(
                part,
                born,
                noisy(copied(part, born, view), part, self.sigma, generator),
                self.moments,
            )
            for part in site.units.parts_of("incoming")
        ]
        return Event(
            site=site.name,
            born=born,
            parents=born.new_empty((len(born), 0)),
            edits=tuple(edits),
            facts={"sigma": torch.full((len(born),), self.sigma)},
        )
