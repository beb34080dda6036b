"""A strategy of apoptosis from three parts: which units die, what replaces them, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from re import sub
from typing import Annotated, Any, ClassVar

from annotated_types import Interval
from torch import Tensor

from audition.errors import AuditionError
from audition.recipe.batches import Clock
from audition.recipe.probe import Probe
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View
from audition.recipe.turnover import Event, State, Turnover
from audition.recipe.units import Units


@dataclass(frozen=True)
class Site:
    """The units of one module, as a part of a strategy sees them.

    Examples:
        >>> import torch
        >>> from audition import Site, Units
        >>> site = Site("blocks.0.feedforward", Units(4, ()))
        >>> site.with_added(torch.tensor([1, 4, 5]))  # two of the three are past the last
        6
    """

    name: str
    units: Units

    def with_added(self, born: Tensor) -> int | None:
        """How many units there will be if some of `born` are numbered past the last; else None."""
        added = int((born >= self.units.count).sum())
        return self.units.count + added if added else None


class Fitness:
    """What a unit is worth; the least fit die. Each site has a state of its own.

    Examples:
        By the length of the row that a unit is computed with:

        >>> import torch
        >>> from audition import Clock, Controls, Fitness, Part, Site, Streams, Units, View
        >>> class Length(Fitness):
        ...     def score(self, site, probe, state, view):
        ...         part = site.units.parts_of("incoming")[0]
        ...         return view.params[part.parameter].norm(dim=1)
        >>> site = Site("layer", Units(2, (Part("up", axis=0, role="incoming"),)))
        >>> weights = {"up": torch.tensor([[3.0, 4.0], [0.0, 1.0]])}
        >>> view = View(Clock(0), Controls(), weights, Streams(42))
        >>> Length().score(site, None, None, view)
        tensor([5., 1.])
    """

    def init(self, site: Site, params: Tensors) -> State:
        """The state before the first step."""
        return None

    def observe(self, site: Site, gradient: Gradient, state: State, view: View) -> State:
        """The state after a step: `view.params` are updated, `gradient` is from before that."""
        return state

    def score(self, site: Site, probe: Probe, state: State, view: View) -> Tensor:
        """The worth of each unit at an event, [H], higher for fitter."""
        raise NotImplementedError


class Heredity:
    """What comes in the place of units that die.

    Examples:
        Nothing does: their outgoing entries become zero, for good.

        >>> import torch
        >>> from audition import Clock, Controls, Edit, Event, Heredity, Part, Site, Streams
        >>> from audition import Units, View
        >>> class Silenced(Heredity):
        ...     def replace(self, site, born, fitness, probe, view):
        ...         edits = []
        ...         for part in site.units.parts_of("outgoing"):
        ...             old = view.params[part.parameter].index_select(part.axis, born)
        ...             edits.append(Edit(part.parameter, part.axis, born, torch.zeros_like(old)))
        ...         parents = born.new_empty((len(born), 0))
        ...         return Event(site.name, born, parents, tuple(edits))
        >>> site = Site("layer", Units(3, (Part("down", axis=1, role="outgoing"),)))
        >>> view = View(Clock(0), Controls(), {"down": torch.ones(2, 3)}, Streams(42))
        >>> event = Silenced().replace(site, torch.tensor([1]), torch.ones(3), None, view)
        >>> event.edits[0].values
        tensor([[0.],
                [0.]])
    """

    @property
    def name(self) -> str:
        """What its events are recorded as: the class's name, in lower case."""
        return sub(r"(?<=.)(?=[A-Z])", "_", type(self).__name__).lower()

    def replace(self, site: Site, born: Tensor, fitness: Tensor, probe: Probe, view: View) -> Event:
        """The event by which `born` [k] begin anew.

        A number past the site's last unit is that of a unit to be added. `fitness` [H] is of the
        units that are there; parents are chosen among those of them that are not in `born`.
        """
        raise NotImplementedError


class Timetable:
    """When events happen.

    Examples:
        Once, in the middle of the run:

        >>> from audition import Clock, Timetable
        >>> class Halfway(Timetable):
        ...     def due(self, clock):
        ...         return clock.step + 1 == clock.steps // 2
        >>> [step for step in range(10) if Halfway().due(Clock(step, 10))]
        [4]
    """

    def due(self, clock: Clock) -> bool:
        """Whether an event follows the step that began at `clock`."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Strategy(Turnover):
    """At every event, in every module that has units, the least fit die and are replaced.

    Raises AuditionError, before the first step, for a model in which nothing has units.
    """

    neutral: ClassVar = {"rate": 0}

    fitness: Fitness
    """Which units die: a file of `apoptosis/fitness`."""
    heredity: Heredity
    """What replaces them: a file of `apoptosis/heredity`."""
    timetable: Timetable
    """When: a file of `apoptosis/timetable`."""
    rate: Annotated[float, Interval(ge=0, le=0.5)] = 0.05
    """Share of a site's units that die at an event; 0 is the exact identity."""

    def init(self, sites: Mapping[str, Units], params: Tensors) -> dict[str, State]:
        if self.rate and not sites:
            raise AuditionError(
                "apoptosis finds no units in this model, since no module of it has a method "
                "`units`: choose apoptosis=none or another model"
            )
        return {n: self.fitness.init(Site(n, units), params) for n, units in sites.items()}

    def propose(
        self, probe: Probe, gradient: Gradient, state: Any, view: View
    ) -> tuple[Sequence[Event], Any]:
        if self.rate == 0.0 or gradient.closed:
            return (), state
        sites = [Site(name, units) for name, units in probe.sites.items()]
        after = {s.name: self.fitness.observe(s, gradient, state[s.name], view) for s in sites}
        if not self.timetable.due(view.clock):
            return (), after
        return [self._event(site, probe, after[site.name], view) for site in sites], after

    def _event(self, site: Site, probe: Probe, state: State, view: View) -> Event:
        fitness = self.fitness.score(site, probe, state, view)
        # Half at most, since a unit cannot die and be a parent.
        dying = min(ceil(self.rate * len(fitness)), len(fitness) // 2)
        event = self.heredity.replace(site, fitness.argsort()[:dying], fitness, probe, view)
        return replace(event, fitness=fitness, strategy=event.strategy or self.heredity.name)
