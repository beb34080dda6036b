"""Meta-evolution: a small policy learns, during the run, how many die, how noisily, how often.

Document 002 meant to train such a network by backpropagation. Events are discrete, so that there is
no gradient to propagate: the policy is trained by REINFORCE instead (`policy.py`). The reward of an
event is not how far the loss fell, which it always does early in a run, but how much further than
in a control window of the same length in which nobody dies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log, tanh
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor

from audition.apoptosis import policy
from audition.apoptosis.strategy import Fitness, Heredity, Strategy, Timetable
from audition.apoptosis.timetable.spread import Spread
from audition.errors import AuditionError
from audition.recipe.batches import Clock
from audition.recipe.probe import Probe
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View
from audition.recipe.turnover import Event, Turnover
from audition.recipe.units import Units


class Now(Timetable):
    """An event is due whenever it is asked."""

    def due(self, clock: Clock) -> bool:
        return True


class Never(Timetable):
    """No event is ever due."""

    def due(self, clock: Clock) -> bool:
        return False


@dataclass(frozen=True, kw_only=True)
class MetaEvolution(Turnover):
    """Windows with an event and windows without take turns; after each pair the policy learns.

    The policy reads the loss's slope and variance over the last window, the spread of fitness, and
    how much of the run is spent. A run has few events, ten or twenty, so that it learns little: the
    honest use is to see whether it finds what a sweep finds. At learning_rate = 0 it is the static
    strategy of `rate`, `sigma` and `interval`, bit for bit.
    """

    neutral: ClassVar = {"rate": 0}
    active: ClassVar = {"interval": 0.2, "start": 0.1}

    fitness: Fitness
    """Which units die: a file of `apoptosis/fitness`."""
    heredity: Heredity
    """What replaces them: a file of `apoptosis/heredity` that has a `sigma`."""
    rate: Annotated[float, Interval(ge=0, lt=1)] = 0.05
    """Share of a site's units that die at an event, before anything is learnt; 0 is the identity."""
    most_rate: Annotated[float, Interval(gt=0, lt=1)] = 0.2
    """No event has more."""
    sigma: Annotated[float, Ge(0)] = 0.2
    """The heredity's noise before anything is learnt."""
    most_sigma: Annotated[float, Gt(0)] = 0.5
    """No child has more."""
    interval: Annotated[float, Interval(gt=0, lt=1)] = 0.04
    """Share of the run that a window takes; the policy makes it up to twice as long, or half."""
    start: Annotated[float, Interval(ge=0, lt=1)] = 0.1
    """Share of the run before the first window."""
    until: Annotated[float, Interval(gt=0, le=1)] = 0.9
    """Share of the run after which no unit dies any more."""
    learning_rate: Annotated[float, Ge(0)] = 0.3
    """Of the policy; 0 keeps the settings as they are."""
    spread: Annotated[float, Gt(0)] = 0.5
    """Of the actions that are tried around the policy's mean."""
    hidden: Annotated[int, Ge(1)] = 64
    """Units of the policy."""
    least_events: Annotated[int, Ge(0)] = 5
    """A run with fewer events than this is called untested by the verdict."""

    def __post_init__(self) -> None:
        if self.learning_rate and self.rate and not 0 < self.rate < self.most_rate:
            raise AuditionError(f"rate={self.rate:g} is not below most_rate={self.most_rate:g}")
        if self.learning_rate and not 0 < self.sigma < self.most_sigma:
            raise AuditionError(
                f"sigma={self.sigma:g} is not between 0 and most_sigma={self.most_sigma:g}"
            )

    def init(self, sites: Mapping[str, Units], params: Tensors) -> dict[str, Any]:
        if self.rate and not hasattr(self.heredity, "sigma"):
            raise AuditionError(
                f"apoptosis/heredity={self.heredity.name} has no sigma to learn: choose mutation, "
                "crossover or functional_preservation"
            )
        static = self._static()
        if self.learning_rate and self.rate:
            replace(static, rate=self.most_rate).init(sites, params)  # would enough survive?
        return {"strategy": static.init(sites, params), "policy": None}

    def check(self, steps: int | None) -> None:
        if self.rate:
            self._static().check(steps)

    def untested(self, state: Any) -> str:
        return self._static().untested(state["strategy"])

    def _static(self) -> Strategy:
        """The strategy of the first settings."""
        times = Spread(interval=self.interval, start=self.start, until=self.until)
        return self._with(self.rate, self.sigma, times)

    def _with(self, rate: float, sigma: float, timetable: Timetable) -> Strategy:
        heredity: Any = self.heredity
        if hasattr(heredity, "sigma"):
            heredity = replace(heredity, sigma=sigma)
        return Strategy(
            fitness=self.fitness,
            heredity=heredity,
            timetable=timetable,
            rate=rate,
            least_events=self.least_events,
        )

    def propose(
        self, probe: Probe, gradient: Gradient, state: Any, view: View
    ) -> tuple[Sequence[Event], Any]:
        if self.rate == 0.0 or gradient.closed:
            return (), state
        if self.learning_rate == 0.0:
            events, own = self._static().propose(probe, gradient, state["strategy"], view)
            return events, {**state, "strategy": own}
        steps = view.clock.steps
        assert steps is not None  # `check` has seen to it
        if state["policy"] is None:
            state = self._begun(state, steps, view)
        state = {**state, "window": _measured(state["window"], gradient)}
        step = view.clock.step + 1
        ends = step >= state["end"] and step < min(self.until * steps, steps - 1)
        quiet = self._with(self.rate, self.sigma, Never())
        if not ends:
            _, own = quiet.propose(probe, gradient, state["strategy"], view)
            return (), {**state, "strategy": own}
        mean, slope, variance = _read(state["window"])
        state = {**state, "means": (*state["means"], mean)[-3:], "window": (0.0, 0.0, 0.0, 0.0)}
        if state["acted"]:  # the window that ends had an event: one without is next
            _, own = quiet.propose(probe, gradient, state["strategy"], view)
            end = step + state["length"]
            return (), {**state, "strategy": own, "acted": False, "end": end}
        state = self._learnt(state)
        found = _spread_of(state["strategy"])
        features = torch.tensor([slope, variance, found, view.clock.fraction])
        generator = view.streams.generator("policy", view.clock.step)
        action = policy.drawn_action(state["policy"], features, self.spread, generator)
        rate, sigma, interval = self.settings(action)
        events, own = self._with(rate, sigma, Now()).propose(
            probe, gradient, state["strategy"], view
        )
        length = max(1, round(interval * steps))
        return events, {
            **state,
            "strategy": own,
            "acted": True,
            "length": length,
            "end": step + length,
            "tried": (features, action),
        }

    def settings(self, action: Tensor) -> tuple[float, float, float]:
        """The rate, the noise and the interval that an action [3] means; zeros mean the first ones."""
        a, b, c = action.tolist()
        return (
            _within(self.rate, self.most_rate, a),
            _within(self.sigma, self.most_sigma, b),
            self.interval * 2.0 ** tanh(c),
        )

    def _begun(self, state: Any, steps: int, view: View) -> dict[str, Any]:
        first = max(1, round(self.start * steps))
        return {
            **state,
            "policy": policy.fresh(4, self.hidden, 3, view.streams.generator("policy")),
            "window": (0.0, 0.0, 0.0, 0.0),
            "means": (),
            "acted": False,
            "length": first,
            "end": first,
            "tried": None,
            "rewards": (0.0, 0.0, 0),
        }

    def _learnt(self, state: Any) -> dict[str, Any]:
        """The state after a pair of windows, of which the first had an event."""
        if state["tried"] is None or len(state["means"]) < 3:
            return {**state}
        before, acted, control = state["means"]
        reward = (before - acted) - (acted - control)
        advantage, rewards = policy.advantage_of(reward, state["rewards"])
        features, action = state["tried"]
        learnt = policy.reinforced(
            state["policy"],
            features,
            action,
            advantage,
            spread=self.spread,
            rate=self.learning_rate,
        )
        return {**state, "policy": learnt, "rewards": rewards}


def _within(first: float, most: float, action: float) -> float:
    """A number between 0 and `most`, by a logistic curve through `first` at 0."""
    return most / (1.0 + (most / first - 1.0) * exp(-max(-30.0, min(30.0, action))))


def _measured(window: tuple[Any, ...], gradient: Gradient) -> tuple[Any, ...]:
    """Count, Σ loss, Σ loss² and Σ place · loss of a window, with one more step; nothing is read."""
    count, total, squares, placed = window
    loss = torch.stack([term.detach().float() for term in gradient.terms.values()]).sum()
    return count + 1.0, total + loss, squares + loss * loss, placed + count * loss


def _read(window: tuple[Any, ...]) -> tuple[float, float, float]:
    """Mean, slope a window and logarithm of the variance of the loss."""
    count, total, squares, placed = (float(x) for x in window)
    mean = total / count
    variance = max(squares / count - mean * mean, 0.0)
    centre = (count - 1.0) / 2.0
    spread = (count * count - 1.0) / 12.0
    slope = (placed / count - centre * mean) / spread * count if spread else 0.0
    return mean, slope, log(variance + 1e-12) / 10.0


def _spread_of(state: Any) -> float:
    """Coefficient of variation of fitness, mean over sites; 0 for a fitness without a state."""
    found = [
        float(x.std() / x.abs().mean().clamp(min=1e-30))
        for x in state["fitness"].values()
        if isinstance(x, Tensor) and x.numel() > 1
    ]
    return sum(found) / len(found) if found else 0.0
