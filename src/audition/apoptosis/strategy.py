"""A strategy of apoptosis from three parts: which units die, what replaces them, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf
from re import sub
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge, Interval
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

    def check(self, site: Site) -> None:
        """Raise AuditionError where it can replace no unit of `site`."""

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

    def check(self, steps: int | None) -> None:
        """Raise AuditionError where it does not fit a run of `steps` (None: of minutes)."""


def is_late(clock: Clock) -> bool:
    """Whether the step that began at `clock` is the last one or the last but one.

    What an event costs would be seen then, and what it gains would not.
    """
    return clock.steps is not None and clock.step + 1 >= clock.steps - 1


@dataclass(frozen=True, kw_only=True)
class Strategy(Turnover):
    """At every event, in every module that has units, the least fit die and are replaced.

    Raises AuditionError, before the first step, for a model in which nothing has units, and for a
    rate at which fewer than two units of a module would survive.
    """

    neutral: ClassVar = {"rate": 0}

    fitness: Fitness
    """Which units die: a file of `apoptosis/fitness`."""
    heredity: Heredity
    """What replaces them: a file of `apoptosis/heredity`."""
    timetable: Timetable
    """When: a file of `apoptosis/timetable`."""
    rate: Annotated[float, Interval(ge=0, lt=1)] = 0.05
    """Share of a site's units that die at an event, rounded up; 0 is the exact identity."""
    victims: Literal["weakest", "random"] = "weakest"
    """Who dies: the least fit, or, as a control, any; parents are chosen by fitness either way."""
    maturity: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    """Share of the run that a new unit is spared for, since it has not had time to become fit."""
    least_events: Annotated[int, Ge(0)] = 5
    """A run with fewer events than this is called untested by the verdict."""

    def init(self, sites: Mapping[str, Units], params: Tensors) -> dict[str, Any]:
        if self.rate:
            check_sites(sites)
        named = [Site(name, units) for name, units in sites.items()]
        for site in named if self.rate else []:
            self._check_survivors(site)
            self.heredity.check(site)
        fitness = {site.name: self.fitness.init(site, params) for site in named}
        return {"events": 0, "fitness": fitness, "born": {}}

    def check(self, steps: int | None) -> None:
        if self.rate:
            self.timetable.check(steps)

    def untested(self, state: Any) -> str:
        if self.rate == 0.0 or state["events"] >= self.least_events:
            return ""
        return f"{state['events']} events of the {self.least_events} that test a strategy"

    def propose(
        self, probe: Probe, gradient: Gradient, state: Any, view: View
    ) -> tuple[Sequence[Event], Any]:
        if self.rate == 0.0 or gradient.closed:
            return (), state
        sites = own_sites(probe, state)
        state = {**state, "fitness": self.observed(sites, gradient, state, view)}
        if not self.timetable.due(view.clock):
            return (), state
        events = self.happening(sites, probe, state, view)
        return events, self.after(events, state, view)

    def happening(
        self, sites: Sequence[Site], probe: Probe, state: Any, view: View
    ) -> Sequence[Event]:
        """The events of all sites that are due: one of each, which knows nothing of the others."""
        return [self.event(site, probe, state, view) for site in sites]

    def observed(
        self, sites: Sequence[Site], gradient: Gradient, state: Any, view: View
    ) -> dict[str, State]:
        """Site -> the state of its fitness after a step."""
        seen = state["fitness"]
        return {s.name: self.fitness.observe(s, gradient, seen[s.name], view) for s in sites}

    def event(self, site: Site, probe: Probe, state: Any, view: View) -> Event:
        """The event of one site: some die, and the heredity says what replaces them."""
        fitness = self.fitness.score(site, probe, state["fitness"][site.name], view)
        born = self.chosen(site, fitness, state, view)
        return self.replaced(site, born, fitness, probe, view)

    def chosen(self, site: Site, fitness: Tensor, state: Any, view: View) -> Tensor:
        """The units that die, [k]."""
        worth = self.worth(site, fitness, state, view)
        dying = self.dying(len(fitness))
        if self.maturity:
            dying = min(dying, int(worth.isfinite().sum()))
        return worth.argsort()[:dying]

    def worth(self, site: Site, fitness: Tensor, state: Any, view: View) -> Tensor:
        """In which order units die, [H], the lowest first: by fitness or any; new ones never."""
        worth = fitness
        if self.victims == "random":
            generator = view.streams.child("victims").generator(site.name, view.clock.step)
            worth = torch.rand(len(fitness), generator=generator).to(fitness.device)
        if self.maturity and site.name in state["born"]:
            age = view.clock.fraction - state["born"][site.name].to(worth.device)
            worth = worth.masked_fill(age < self.maturity, inf)
        return worth

    def dying(self, count: int) -> int:
        """How many of `count` units die at an event."""
        return ceil(self.rate * count)

    def replaced(
        self, site: Site, born: Tensor, fitness: Tensor, probe: Probe, view: View
    ) -> Event:
        """The heredity's event, with the fitness that it was decided by."""
        event = self.heredity.replace(site, born, fitness, probe, view)
        return replace(event, fitness=fitness, strategy=event.strategy or self.heredity.name)

    def after(self, events: Sequence[Event], state: Any, view: View) -> dict[str, Any]:
        """The state once `events` have happened: one more, and when their units were born."""
        born, fitness = dict(state["born"]), dict(state["fitness"])
        for event in events:
            assert event.fitness is not None
            count, now = len(event.fitness), view.clock.fraction
            if self.maturity:
                since = born.get(event.site, torch.full((count,), -inf)).clone()
                since[event.born[event.born < count].cpu()] = now
                born[event.site] = event.carry(since, fresh=now)
            if event.resize is not None:
                fitness[event.site] = carried(event, fitness[event.site], count)
        return {**state, "events": state["events"] + 1, "born": born, "fitness": fitness}

    def _check_survivors(self, site: Site) -> None:
        count, dying = site.units.count, self.dying(site.units.count)
        if count - dying < 2:
            raise AuditionError(
                f"rate={self.rate:g} lets {dying} of the {count} units of {site.name} die, and "
                f"two at least must survive: choose rate <= {max(0, count - 2) / count:.3g}"
            )


def own_sites(probe: Probe, state: Any) -> list[Site]:
    """The sites that a strategy's state is about, as they are now."""
    return [Site(name, units) for name, units in probe.sites.items() if name in state["fitness"]]


def carried(event: Event, state: State, count: int) -> State:
    """A fitness's state of a site that had `count` units, numbered as after the event."""
    if isinstance(state, Tensor):
        return event.carry(state) if state.ndim == 1 and len(state) == count else state
    if isinstance(state, dict):
        return {name: carried(event, each, count) for name, each in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(carried(event, each, count) for each in state)
    return state


def check_sites(sites: Mapping[str, Units]) -> None:
    """Raise AuditionError where there is nothing that could die."""
    if not sites:
        raise AuditionError(
            "apoptosis finds no units in this model, since no module of it has a method "
            "`units`: choose apoptosis=none or another model"
        )
