"""Arithmetic on timings: which pool is best, what a sweep will cost, what would be faster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audition.bench.trial import Timing
from audition.sweep.pool.estimate import Mean, remaining

WORTH = 0.02
"""A larger pool must be faster by this part, or the smaller one is better."""
TELLING = 1.05
"""A ratio of speeds from which on it is worth a word."""
CARD_FULL = 0.9
"""The part of a card's memory that runs may fill together."""


@dataclass(frozen=True)
class Cell:
    """One run alone, in one precision on so many threads; None where it could not be measured."""

    precision: str
    threads: int
    units_per_s: float | None


@dataclass(frozen=True)
class Point:
    """So many runs at once, and what they do a second together."""

    workers: int
    runs_per_gpu: int
    units_per_s: float


@dataclass(frozen=True)
class ArmCost:
    """What is to be trained of one arm; a budget in minutes has no steps of its own."""

    name: str
    runs: int
    steps: int | None
    minutes: float | None
    evaluations: int
    timing: Timing  # of one run alone

    def run(self, slowed: float = 1.0) -> tuple[float, int]:
        """Seconds and steps of one run at a speed of `slowed` times that of its timing."""
        t = self.timing
        step_s = t.step_s / slowed
        train_s = 60 * self.minutes if self.minutes else (self.steps or 0) * step_s
        steps = self.steps or max(1, round(train_s / step_s))
        return t.start_s + train_s + min(self.evaluations, steps) * t.evaluation_s / slowed, steps


@dataclass(frozen=True)
class Cost:
    """What a sweep takes at the best setting."""

    runs: int
    steps: int
    wall_s: float
    worker_s: float  # of all workers together
    run_s: Mapping[str, float]  # arm -> seconds of one of its runs


def best_of(points: Sequence[Point]) -> Point:
    """The highest throughput, or the fewest workers that come within 2 % of it."""
    most = max(point.units_per_s for point in points)
    enough = [point for point in points if point.units_per_s >= (1 - WORTH) * most]
    return min(enough, key=lambda point: point.workers)


def share(points: Sequence[Point], alone: float, workers: int) -> float:
    """The speed of each of `workers` runs at once, as a part of the speed of one `alone` [units/s].

    Where that many were not measured, it is taken from the next larger number.
    """
    more = [point for point in points if point.workers >= workers]
    if workers == 1 or not points:
        return 1.0
    point = min(more or [points[-1]], key=lambda point: point.workers)
    return point.units_per_s / point.workers / alone


def cost(arms: Sequence[ArmCost], points: Sequence[Point], *, alone: float, warm_s: float) -> Cost:
    """Time for every run of `arms` at the best of `points`.

    alone: units/s of the run of which `points` were measured, by itself; another arm is slowed
    down by its neighbours as much as that one. warm_s: what the sweep waits before its first run.
    """
    runs = sum(arm.runs for arm in arms)
    workers = min(best_of(points).workers, max(1, runs))
    slowed = share(points, alone, workers)
    run_s, steps = {}, 0
    for arm in arms:
        run_s[arm.name], own_steps = arm.run(slowed)
        steps += arm.runs * own_steps
    wall_s = remaining(
        finished={name: Mean(1, seconds) for name, seconds in run_s.items()},
        running=(),
        waiting={arm.name: arm.runs for arm in arms},
        workers=workers,
    )
    return Cost(
        runs=runs,
        steps=steps,
        wall_s=(wall_s or 0.0) + (warm_s if runs else 0.0),
        worker_s=sum(arm.runs * run_s[arm.name] for arm in arms),
        run_s=run_s,
    )


def runs_that_fit(wanted: Sequence[int], timings: Sequence[Timing]) -> tuple[int, ...]:
    """Those of the `wanted` runs a card that its memory holds, be they the hungriest; one always."""
    need = max(timing.card_mb for timing in timings)
    room = min(timing.card_room_mb for timing in timings)
    return tuple(runs for runs in wanted if runs == 1 or runs * need <= CARD_FULL * room)


def advice(
    cells: Sequence[Cell], best: Point, *, precision: str, threads: int, cores: int
) -> tuple[str, ...]:
    """What would be faster than the configured `precision` and `threads`; a sentence each."""
    rates = {(c.precision, c.threads): c.units_per_s for c in cells if c.units_per_s}
    own = rates[precision, threads]
    said = []
    other, rate = max(
        ((p, rate) for (p, t), rate in rates.items() if t == threads), key=lambda pair: pair[1]
    )
    if rate > TELLING * own:
        said.append(f"precision={other} trains {rate / own:.2f} × as fast as {precision}.")
    more, rate = max(
        ((t, rate) for (p, t), rate in rates.items() if p == precision), key=lambda pair: pair[1]
    )
    if rate > TELLING * own:
        together = rate * max(1, cores // more) / best.units_per_s
        sweep = (
            f"and a sweep up to {together:.2f} ×"
            if together > TELLING
            else f"but a sweep is no faster with it: {best.workers} at once do more"
        )
        said.append(
            f"execution.threads={more} trains a run alone {rate / own:.2f} × as fast, {sweep}."
        )
    if said:
        said.append(
            "Precision and threads are part of a run's identity: the choice is left to you."
        )
    return tuple(said)
