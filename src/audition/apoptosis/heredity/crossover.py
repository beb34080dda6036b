"""Crossover: a child's incoming weights lie between those of two fit parents."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge
from torch import Tensor

from audition.apoptosis.inheritance import along, copied, divided, drawn, edit, noisy
from audition.apoptosis.strategy import Heredity, Site
from audition.recipe.probe import Probe
from audition.recipe.signals import View
from audition.recipe.turnover import Event


@dataclass(frozen=True, kw_only=True)
class Crossover(Heredity):
    """W_in[j] = α W_in[p] + (1 - α) W_in[q] + σ rms ξ, for two parents p ≠ q drawn by fitness.

    The child takes α of p's outgoing weights and 1 - α of q's, which keep the rest: the sum over
    units is what it was. Document 002 blended the incoming rows alone.
    """

    alpha: Literal["fixed", "fitness", "random"] = "fixed"
    """Share of the first parent: one half, its part of the two fitnesses, or drawn from 0.3 to 0.7."""
    sigma: Annotated[float, Ge(0)] = 0.1
    """Size of the noise, relative to the root mean square of the blended row."""
    align: bool = False
    """Whether the second parent is taken with the other sign, row and outgoing weights, where its row
    points away from the first one's: the blend of opposite rows would be short. Of an odd activation,
    such as tanh, that is the same unit; rows of a layer read the same inputs, so there is no
    permutation to undo."""
    moments: Literal["zero", "keep", "copy"] = "zero"
    """What the optimizer's moments of rewritten weights become: zero, as they were, or those of
    the first parent."""

    def replace(self, site: Site, born: Tensor, fitness: Tensor, probe: Probe, view: View) -> Event:
        generator = view.streams.generator(site.name, view.clock.step)
        parents = drawn(born, fitness, 2, generator)
        first, second = parents.T
        alpha = self._alpha(fitness[first], fitness[second], generator)
        signs = self._signs(site, first, second, view)
        edits = []
        for part in site.units.parts_of("incoming"):
            one, other = copied(part, first, view), copied(part, second, view)
            other = other * along(signs.to(other), part, other.ndim)
            blend = other + along(alpha.to(one), part, one.ndim) * (one - other)
            values = noisy(blend, part, self.sigma, generator)
            edits.append(edit(part, born, values, self.moments, first))
        shares = torch.stack([alpha, 1.0 - alpha], 1)
        for part in site.units.parts_of("outgoing"):
            whole = view.params[part.parameter]
            both = torch.stack([torch.ones_like(signs), signs], 1)
            edits += divided(part, whole, born, parents, shares, self.moments, both)
        return Event(
            site=site.name,
            born=born,
            parents=parents,
            edits=tuple(edits),
            resize=site.with_added(born),
            facts={"alpha": alpha, "sigma": torch.full((len(born),), self.sigma)},
        )

    def _signs(self, site: Site, first: Tensor, second: Tensor, view: View) -> Tensor:
        """[K], -1 where the rows of two parents point away from each other and that is undone."""
        product = torch.zeros(len(first), device=first.device)
        for part in site.units.parts_of("incoming") if self.align else ():
            one, other = (
                copied(part, each, view).movedim(part.axis, 0).reshape(len(first), -1).float()
                for each in (first, second)
            )
            product = product + (one * other).sum(1).to(product)
        return torch.where(product < 0, -1.0, 1.0)

    def _alpha(self, first: Tensor, second: Tensor, generator: torch.Generator) -> Tensor:
        """[K], of parents with fitness `first` and `second`."""
        if self.alpha == "fixed":
            return torch.full_like(first, 0.5)
        if self.alpha == "random":
            return (0.3 + 0.4 * torch.rand(len(first), generator=generator)).to(first)
        first, second = first.clamp(min=0.0), second.clamp(min=0.0)
        total = first + second
        return torch.where(total > 0.0, first / total, 0.5)
