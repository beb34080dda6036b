"""Functional preservation: a child splits its parent's work, so that the layer computes what it did.

The child copies its parent's incoming entries and takes a share of its outgoing ones: only the dead
unit's own contribution is lost. Net2Net's widening (Chen et al. 2016) with the room made by death;
for units that are added it is that widening, and nothing is lost. Folding, before that, leaves to
others what can be had of the dead unit's contribution.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from audition.apoptosis.folding import check_fold, fold
from audition.apoptosis.inheritance import copied, divided, edit, fittest, noisy
from audition.apoptosis.strategy import Heredity, Site
from audition.errors import AuditionError
from audition.recipe.probe import Probe
from audition.recipe.signals import View
from audition.recipe.turnover import Edit, Event


@dataclass(frozen=True, kw_only=True)
class FunctionalPreservation(Heredity):
    """The fittest survivors have one child each; more, in turn, where they are too few.

    Raises AuditionError for an alpha of exactly one half without noise: parent and child would have
    the same gradients for ever. Another alpha makes the incoming gradients differ in size alone;
    noise makes them differ in direction too.
    """

    alpha: tuple[float, float] = (0.3, 0.7)
    """Lowest and highest share of the parent's outgoing weights that a child takes, in (0, 1)."""
    sigma: Annotated[float, Ge(0)] = 0.0
    """Size of the noise on a child's row, relative to the root mean square of the parent's."""
    fold: Literal["none", "mean", "ridge"] = "none"
    """Who takes over from the dead: nobody; the layer's bias, their mean; or, beside that, the
    survivors, by ridge regression of their activations, at the cost of a pass over training text."""
    ridge: Annotated[float, Gt(0)] = 1e-3
    """Weight of the regression's penalty, relative to the survivors' mean variance."""
    moments: Literal["zero", "keep", "copy"] = "zero"
    """What the optimizer's moments of rewritten weights become: zero, as they were, the parent's."""

    def __post_init__(self) -> None:
        low, high = self.alpha
        if not 0.0 < low <= high < 1.0:
            raise AuditionError(
                f"alpha=[{low},{high}] is not a range of shares: 0 < lowest <= highest < 1"
            )
        if low == high == 0.5 and self.sigma == 0.0:
            raise AuditionError(
                "alpha=[0.5,0.5] with sigma=0 gives parent and child the same gradients for ever: "
                "choose another alpha, or sigma > 0"
            )

    def check(self, site: Site) -> None:
        check_fold(self.fold, site)

    def replace(self, site: Site, born: Tensor, fitness: Tensor, probe: Probe, view: View) -> Event:
        generator = view.streams.generator(site.name, view.clock.step)
        parents = fittest(born, fitness)
        low, high = self.alpha
        alpha = torch.rand(len(born), generator=generator) * (high - low) + low
        if low < high:
            # Exactly one half would give parent and child the same gradients for ever.
            alpha = torch.where((alpha - 0.5).abs() < 0.01, 0.51, alpha)
        edits: list[Edit] = []
        folded: dict[str, Tensor] = {}
        if self.fold != "none":
            edits, folded = fold(site, born, probe, view, ridge=self._penalty)
        for part in site.units.parts_of("incoming"):
            values = noisy(copied(part, parents, view), part, self.sigma, generator)
            edits.append(edit(part, born, values, self.moments, parents))
        for part in site.units.parts_of("outgoing"):
            whole = folded.get(part.parameter, view.params[part.parameter])
            edits += divided(part, whole, born, parents[:, None], alpha[:, None], self.moments)
        return Event(
            site=site.name,
            born=born,
            parents=parents[:, None],
            edits=tuple(edits),
            resize=site.with_added(born),
            facts={"alpha": alpha, "sigma": torch.full_like(alpha, self.sigma)},
        )

    @property
    def _penalty(self) -> float | None:
        return self.ridge if self.fold == "ridge" else None
