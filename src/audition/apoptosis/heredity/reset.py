"""Reset: a unit is drawn anew, as at the start of training, with zero outgoing weights.

The control without inheritance, as in ReDo (Sokar et al. 2023). With zero outgoing weights the new
unit has no effect at first, so the event changes the model by what the dead unit did, and no more.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from audition.apoptosis.inheritance import edit, silenced
from audition.apoptosis.strategy import Heredity, Site
from audition.parts.initial import redraw
from audition.recipe.probe import Probe
from audition.recipe.signals import View
from audition.recipe.turnover import Event


@dataclass(frozen=True, kw_only=True)
class Reset(Heredity):
    """Each born unit's incoming entries by the rule of their parameter; outgoing ones zero."""

    moments: Literal["zero", "keep"] = "zero"
    """What the optimizer's moments of rewritten weights become: zero, or as they were."""

    def replace(self, site: Site, born: Tensor, fitness: Tensor, probe: Probe, view: View) -> Event:
        generator = view.streams.generator(site.name, view.clock.step)
        edits = []
        for part in site.units.parts_of("incoming"):
            weight, shape = view.params[part.parameter], list(view.params[part.parameter].shape)
            shape[part.axis] = len(born) * part.size
            values = redraw(part.parameter, weight, torch.Size(shape), generator)
            edits.append(edit(part, born, values, self.moments))
        return Event(
            site=site.name,
            born=born,
            parents=born.new_empty((len(born), 0)),
            edits=(*edits, *silenced(site, born, view, self.moments)),
            resize=site.with_added(born),
        )
