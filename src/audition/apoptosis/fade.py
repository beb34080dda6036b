"""Fading: a dying unit's outgoing weights go to zero over some steps before it is replaced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge
from torch import Tensor

from audition.apoptosis.inheritance import along, edit
from audition.apoptosis.strategy import Site, Strategy, own_sites
from audition.recipe.batches import Clock
from audition.recipe.probe import Probe
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View
from audition.recipe.turnover import Event
from audition.recipe.units import Units


@dataclass(frozen=True, kw_only=True)
class Fade(Strategy):
    """An event takes `over` steps, in which the layer learns to do without those that die.

    After each of them the outgoing weights of the dying are multiplied so that after the last one
    they would be zero; then the heredity replaces the units. Over one step it is a plain strategy.
    While units fade no other event begins, nor does one that could not end in time.
    """

    active: ClassVar = {"over": 2}

    over: Annotated[int, Ge(1)] = 20
    """Steps that a unit takes to die."""

    def init(self, sites: Mapping[str, Units], params: Tensors) -> dict[str, Any]:
        return {**super().init(sites, params), "fading": {}, "left": 0}

    def propose(
        self, probe: Probe, gradient: Gradient, state: Any, view: View
    ) -> tuple[Sequence[Event], Any]:
        if self.rate == 0.0 or gradient.closed:
            return (), state
        sites = own_sites(probe, state)
        state = {**state, "fitness": self.observed(sites, gradient, state, view)}
        if not state["left"]:
            if not (self.timetable.due(view.clock) and self._ends_in_time(view.clock)):
                return (), state
            state = {**state, "fading": self._fading(sites, probe, state, view), "left": self.over}
        left, fading = state["left"] - 1, state["fading"]
        state = {**state, "left": left}
        if left:
            dimmed = [
                self._dimmed(site, fading[site.name], left / (left + 1), view) for site in sites
            ]
            return dimmed, state
        events = []
        for site in sites:
            fitness = self.fitness.score(site, probe, state["fitness"][site.name], view)
            events.append(self.replaced(site, fading[site.name], fitness, probe, view))
        return events, {**self.after(events, state, view), "fading": {}}

    def _fading(
        self, sites: Sequence[Site], probe: Probe, state: Any, view: View
    ) -> dict[str, Tensor]:
        """Site -> the units that begin to die."""
        chosen = {}
        for site in sites:
            fitness = self.fitness.score(site, probe, state["fitness"][site.name], view)
            chosen[site.name] = self.chosen(site, fitness, state, view)
        return chosen

    def _dimmed(self, site: Site, units: Tensor, gain: float, view: View) -> Event:
        edits = []
        for part in site.units.parts_of("outgoing"):
            weight = view.params[part.parameter]
            old = weight.index_select(part.axis, part.entries(units))
            gains = along(units.new_full((len(units),), gain, dtype=old.dtype), part, old.ndim)
            edits.append(edit(part, units, old * gains, "keep"))
        return Event(site.name, units[:0], units.new_empty((0, 0)), tuple(edits), strategy="fade")

    def _ends_in_time(self, clock: Clock) -> bool:
        return clock.steps is None or clock.step + self.over < clock.steps - 1
