"""Mutation: a child is a copy of one fit parent, with noise on its incoming weights.

By default its outgoing weights begin at zero, so that the event changes the model by what the dead
unit did, and no more. Document 002's naive regrowth added noise of a fixed size to rows a fifth as
large, and kept the dead unit's outgoing weights, which now read another signal (`outgoing=keep`).
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge
from torch import Tensor

from audition.apoptosis.inheritance import copied, drawn, edit, noisy, silenced
from audition.apoptosis.strategy import Heredity, Site
from audition.recipe.probe import Probe
from audition.recipe.signals import View
from audition.recipe.turnover import Event


@dataclass(frozen=True, kw_only=True)
class Mutation(Heredity):
    """W_in[j] = W_in[p] + σ rms(W_in[p]) ξ, ξ ~ N(0, 1), for a parent p drawn by fitness.

    At sigma = 0 the child's incoming weights are the parent's: a clone.
    """

    sigma: Annotated[float, Ge(0)] = 0.3
    """Size of the noise, relative to the root mean square of the parent's row."""
    outgoing: Literal["zero", "keep"] = "zero"
    """What a child's outgoing weights are: zero, or those that the dead unit had."""
    moments: Literal["zero", "keep", "copy"] = "zero"
    """What the optimizer's moments of rewritten weights become: zero, as they were, the parent's."""

    def replace(self, site: Site, born: Tensor, fitness: Tensor, probe: Probe, view: View) -> Event:
        generator = view.streams.generator(site.name, view.clock.step)
        parents = drawn(born, fitness, 1, generator)
        mothers = parents[:, 0]
        edits = [
            edit(
                part,
                born,
                noisy(copied(part, mothers, view), part, self.sigma, generator),
                self.moments,
                mothers,
            )
            for part in site.units.parts_of("incoming")
        ]
        if self.outgoing == "zero":
            edits += silenced(site, born, view, self.moments, mothers)
        return Event(
            site=site.name,
            born=born,
            parents=parents,
            edits=tuple(edits),
            resize=site.with_added(born),
            facts={"sigma": torch.full((len(born),), self.sigma)},
        )
