"""Widths that change: units move to where they are worth most, under a budget for the whole model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Interval
from torch import Tensor

from audition.apoptosis.strategy import Site, Strategy
from audition.recipe.probe import Probe
from audition.recipe.signals import Tensors, View
from audition.recipe.turnover import Event
from audition.recipe.units import Units


@dataclass(frozen=True, kw_only=True)
class DynamicTopology(Strategy):
    """The least fit units of the whole model are taken out, and the fittest are split.

    An event removes `rate` of all units and adds, in the layers of the fittest that are left, as
    many as the budget has room for, twice as many as were removed at most; the heredity makes them,
    numbered past the last. By functional preservation or a mutation an added unit leaves the model's
    function as it is. Fitness is compared across layers, so choose one whose unit is that of the
    loss, as `saliency`. Weights, moments and the state of effects change size with the layer.
    """

    active: ClassVar = {"rate": 0.1}

    budget: Annotated[float, Interval(gt=0, le=8)] = 1.0
    """Units that the model may have, relative to those that it began with."""
    narrowest: Annotated[float, Interval(gt=0, le=1)] = 0.25
    """No layer gets narrower than this share of its first width, or two units."""
    widest: Annotated[float, Ge(1)] = 4.0
    """No layer gets wider than this many times its first width."""

    def init(self, sites: Mapping[str, Units], params: Tensors) -> dict[str, Any]:
        widths = {name: units.count for name, units in sites.items()}
        return {**super().init(sites, params), "widths": widths}

    def happening(
        self, sites: Sequence[Site], probe: Probe, state: Any, view: View
    ) -> Sequence[Event]:
        scores = {
            s.name: self.fitness.score(s, probe, state["fitness"][s.name], view) for s in sites
        }
        worth = {s.name: self.worth(s, scores[s.name], state, view) for s in sites}
        removed, added = self.moved(worth, scores, state["widths"])
        return [
            self._resized(
                site, scores[site.name], removed[site.name], added[site.name], probe, view
            )
            for site in sites
            if len(removed[site.name]) or added[site.name]
        ]

    def moved(
        self, worth: Mapping[str, Tensor], fitness: Mapping[str, Tensor], first: Mapping[str, int]
    ) -> tuple[dict[str, Tensor], dict[str, int]]:
        """Site -> the units taken out of it, and site -> how many are added to it.

        worth: [H] of each site, lowest first to leave; fitness: [H], of which the highest are
        split; first: the widths at the start.
        """
        counts = {name: len(each) for name, each in worth.items()}
        total, target = sum(counts.values()), round(self.budget * sum(first.values()))
        moving = ceil(self.rate * total)
        least = {n: min(counts[n], max(2, ceil(self.narrowest * first[n]))) for n in counts}
        gone: dict[str, list[int]] = {name: [] for name in counts}
        for name, unit, value in _ranked(worth):
            if sum(map(len, gone.values())) == moving or value == inf:
                break
            if counts[name] - len(gone[name]) > least[name]:
                gone[name].append(unit)
        left = total - sum(map(len, gone.values()))
        room = max(0, min(target - left, 2 * moving))
        added = dict.fromkeys(counts, 0)
        for name, unit, _ in reversed(_ranked(fitness)):
            if not room:
                break
            width = counts[name] - len(gone[name]) + added[name]
            if unit not in gone[name] and width < int(self.widest * first[name]):
                added[name], room = added[name] + 1, room - 1
        return {
            name: torch.tensor(sorted(each), dtype=torch.int64) for name, each in gone.items()
        }, added

    def _resized(
        self, site: Site, fitness: Tensor, removed: Tensor, added: int, probe: Probe, view: View
    ) -> Event:
        count = site.units.count
        born = torch.arange(count, count + added, device=fitness.device)
        if added:
            # None of those that leave is a parent.
            known = fitness.index_fill(0, removed.to(fitness.device), -inf)
            event = self.heredity.replace(site, born, known, probe, view)
        else:
            event = Event(site.name, born, born.new_empty((0, 0)))
        return replace(
            event,
            resize=count - len(removed) + added,
            removed=removed,
            fitness=fitness,
            strategy=event.strategy or self.heredity.name,
        )


def _ranked(worth: Mapping[str, Tensor]) -> list[tuple[str, int, float]]:
    """(site, unit, worth) of every unit, the lowest first."""
    every = [
        (name, unit, value)
        for name, each in worth.items()
        for unit, value in enumerate(each.tolist())
    ]
    return sorted(every, key=lambda found: found[2])
