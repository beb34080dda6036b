"""Functional preservation: a child splits its parent's work, so that the layer computes what it did.

The child copies its parent's incoming entries and takes a share of its outgoing ones: only the dead
unit's own contribution is lost. Net2Net's widening (Chen et al. 2016) with the room made by death;
for units that are added it is that widening, and nothing is lost.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge
from torch import Tensor

from audition.apoptosis.strategy import Heredity, Site
from audition.errors import AuditionError
from audition.recipe.probe import Probe
from audition.recipe.signals import View
from audition.recipe.turnover import Edit, Event
from audition.recipe.units import Part


@dataclass(frozen=True, kw_only=True)
class FunctionalPreservation(Heredity):
    """The fittest survivors have one child each.

    Raises AuditionError for a share of exactly one half without noise: parent and child would have
    the same gradients for ever. Another share makes the incoming gradients differ in size alone;
    noise makes them differ in direction too.
    """

    noise: Annotated[float, Ge(0)] = 0.0
    """Added to a child's incoming weights, in units of their standard deviation."""
    share: tuple[float, float] = (0.3, 0.7)
    """Lowest and highest share of the parent's outgoing weights that a child takes, in (0, 1)."""
    moments: Literal["zero", "keep", "copy"] = "zero"
    """What the optimizer's moments of rewritten weights become: zero, as they were, the parent's."""

    def __post_init__(self) -> None:
        low, high = self.share
        if not 0.0 < low <= high < 1.0:
            raise AuditionError(
                f"share=[{low},{high}] is not a range of shares: 0 < lowest <= highest < 1"
            )
        if low == high == 0.5 and self.noise == 0.0:
            raise AuditionError(
                "share=[0.5,0.5] with noise=0 gives parent and child the same gradients for ever: "
                "choose another share, or noise > 0"
            )

    def replace(self, site: Site, born: Tensor, fitness: Tensor, probe: Probe, view: View) -> Event:
        generator = view.streams.generator(site.name, view.clock.step)
        parents = self._parents(site, born, fitness)
        low, high = self.share
        share = torch.rand(len(born), generator=generator) * (high - low) + low
        if low < high:
            # Exactly one half would give parent and child the same gradients for ever.
            share = torch.where((share - 0.5).abs() < 0.01, 0.51, share)
        copies = [
            self._copied(part, born, parents, view, generator)
            for part in site.units.parts_of("incoming")
        ]
        splits = [
            edit
            for part in site.units.parts_of("outgoing")
            for edit in self._split(part, born, parents, share, view)
        ]
        return Event(
            site=site.name,
            born=born,
            parents=parents[:, None],
            edits=(*copies, *splits),
            resize=site.with_added(born),
            facts={"alpha": share, "sigma": torch.full_like(share, self.noise)},
        )

    def _parents(self, site: Site, born: Tensor, fitness: Tensor) -> Tensor:
        """The fittest units that survive, [k], so that only whole units are split."""
        lives = torch.ones(len(fitness), dtype=torch.bool, device=fitness.device)
        lives[born[born < len(fitness)]] = False
        order = fitness.argsort().flip(0)
        parents = order[lives[order]][: len(born)]
        if len(parents) < len(born):
            raise ValueError(f"{site.name} has {len(parents)} survivors for {len(born)} children")
        return parents

    def _copied(
        self, part: Part, born: Tensor, parents: Tensor, view: View, generator: torch.Generator
    ) -> Edit:
        weight, source = view.params[part.parameter], part.entries(parents)
        values = weight.index_select(part.axis, source)
        if self.noise and weight.ndim > 1:
            draw = torch.randn(values.shape, generator=generator).to(values)
            rows = values.movedim(part.axis, 0).reshape(len(parents), -1)
            spread = rows.std(1).repeat_interleave(part.size)  # [k * size], of each parent
            values = values + self.noise * _along(spread, part.axis, values.ndim) * draw
        return self._edit(part, part.entries(born), values, source)

    def _split(
        self, part: Part, born: Tensor, parents: Tensor, share: Tensor, view: View
    ) -> tuple[Edit, Edit]:
        weight, source = view.params[part.parameter], part.entries(parents)
        whole = weight.index_select(part.axis, source)
        taken = _along(share.to(weight).repeat_interleave(part.size), part.axis, weight.ndim)
        return (
            self._edit(part, part.entries(born), whole * taken, source),
            self._edit(part, source, whole * (1.0 - taken), source),
        )

    def _edit(self, part: Part, index: Tensor, values: Tensor, source: Tensor) -> Edit:
        copied = source if self.moments == "copy" else None
        return Edit(part.parameter, part.axis, index, values, self.moments, copied)


def _along(values: Tensor, axis: int, ndim: int) -> Tensor:
    """`values` [k] as a tensor of `ndim` axes that broadcasts along all but `axis`."""
    return values.view([-1 if i == axis else 1 for i in range(ndim)])
