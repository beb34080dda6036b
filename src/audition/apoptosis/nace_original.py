"""Document 002's algorithm as its code has it, for the record; its flaws are described here.

Of each layer the ⌊H · rate⌋ units of the lowest fitness (`GradientActivation`) get the incoming row
of the survivor whose mean |activation| is most like theirs, plus noise of a fixed size; their bias
becomes zero. What the unit gave the rest of the layer, its outgoing column, and what the optimizer
remembers of it, stay those of the dead unit: the function changes, although the document calls this
functional preservation. The last event is on the last step, so that its damage is in the result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Interval
from torch import Tensor

from audition.apoptosis.fitness.magnitude import norms
from audition.apoptosis.inheritance import copied, edit, survivors
from audition.apoptosis.strategy import Site, check_sites
from audition.errors import AuditionError
from audition.recipe.probe import Probe
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View
from audition.recipe.turnover import Edit, Event, Turnover
from audition.recipe.units import Units


@dataclass(frozen=True, kw_only=True)
class NaceOriginal(Turnover):
    """6 layers of 512 units at rate 0.1 have 10 events, in which 3,060 units die.

    Activations are those before GELU, measured on a batch of training text after the update, where
    the document had the step's own. At another width than its 128 channels the fixed size of the
    noise means another share of a row.
    """

    neutral: ClassVar = {"rate": 0}

    rate: Annotated[float, Interval(ge=0, lt=1)] = 0.1
    """Share of a layer's units that die at an event, rounded down; 0 is the exact identity."""
    strength: Annotated[float, Ge(0)] = 0.2
    """Twice the standard deviation of the noise on a new row, whatever the size of the row."""
    interval: Annotated[float, Interval(gt=0, le=1)] = 0.1
    """Share of the run between two events; the last one is on the last step."""

    def init(self, sites: Mapping[str, Units], params: Tensors) -> dict[str, Any]:
        if self.rate:
            check_sites(sites)
        for name, units in sites.items() if self.rate else ():
            if not units.made_by:
                raise AuditionError(f"what the activation of {name} is given is not known")
            if units.count - int(self.rate * units.count) < 2:
                raise AuditionError(f"rate={self.rate:g} leaves {name} fewer than two units")
        return {"events": 0}

    def check(self, steps: int | None) -> None:
        if self.rate and steps is None:
            raise AuditionError("apoptosis=nace_original needs a budget of steps or tokens")

    def propose(
        self, probe: Probe, gradient: Gradient, state: Any, view: View
    ) -> tuple[Sequence[Event], Any]:
        clock = view.clock
        if self.rate == 0.0 or gradient.closed or clock.steps is None:
            return (), state
        passed = [int((clock.step + i) / clock.steps / self.interval + 1e-9) for i in (0, 1)]
        if passed[0] == passed[1]:
            return (), state
        sites = [Site(name, units) for name, units in probe.sites.items()]
        events = [self._event(site, probe, gradient, view) for site in sites]
        return events, {"events": state["events"] + 1}

    def _event(self, site: Site, probe: Probe, gradient: Gradient, view: View) -> Event:
        z = probe.inputs(view.clock.step)[site.name]
        activity = z.float().abs().mean(tuple(range(z.ndim - 1)))  # [H]
        fitness = norms(site, "incoming", gradient.grads) * activity
        born = fitness.argsort()[: int(self.rate * len(fitness))]
        parents = nearest(activity, born)
        generator = view.streams.generator(site.name, view.clock.step)
        edits: list[Edit] = []
        for part in site.units.parts_of("incoming"):
            values = copied(part, parents, view)
            if values.ndim == 1:
                values = torch.zeros_like(values)
            else:
                draw = torch.randn(values.shape, generator=generator).to(values)
                values = values + 0.5 * self.strength * draw
            edits.append(edit(part, born, values, "keep"))
        return Event(
            site=site.name,
            born=born,
            parents=parents[:, None],
            edits=tuple(edits),
            fitness=fitness,
            strategy="nace_original",
        )


def nearest(activity: Tensor, born: Tensor) -> Tensor:
    """For each of `born` [K] the survivor whose activity is most like its own, [K]."""
    alive = survivors(born, len(activity))
    apart = (activity[born][:, None] - activity[alive]).abs()
    return alive[apart.argmin(1)]
