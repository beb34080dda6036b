"""How long the sweep will still take: what is known of the runs, dealt out to the workers."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TRUSTED_FRACTION = 0.02
"""A run's own progress is believed from here on; before, start-up time distorts it."""


@dataclass(frozen=True)
class Mean:
    """A running mean of durations [s]: constant size however many there were."""

    count: int = 0
    total: float = 0.0

    def then(self, seconds: float) -> "Mean":
        """This mean with one more duration in it."""
        return Mean(self.count + 1, self.total + seconds)


@dataclass(frozen=True)
class Underway:
    """A run in progress: its group, seconds so far, and the fraction done if it has said."""

    group: str
    elapsed: float
    fraction: float | None = None

    def whole(self) -> float | None:
        """Its full duration by its own progress [s]; None while that says too little."""
        if self.fraction is None or self.fraction < TRUSTED_FRACTION:
            return None
        return self.elapsed / min(self.fraction, 1.0)


def remaining(
    *,
    finished: Mapping[str, Mean],
    running: Sequence[Underway],
    waiting: Mapping[str, int],
    workers: int,
) -> float | None:
    """Seconds until the last run ends, or None while nothing is known of some run.

    finished: group -> durations of its runs that went well. waiting: group -> runs not started.
    A run is expected to take as long as those of its group: finished ones, else running ones by
    their progress; a group without either takes the mean of all groups. The waiting runs are then
    given, longest first, to whichever worker is free first.
    """
    known = _expected(finished, running)
    overall = _mean([mean for mean in finished.values() if mean.count]) or _mean(
        [Mean(1, whole) for run in running if (whole := run.whole()) is not None]
    )
    ends: list[float] = []
    for run in running:
        whole = run.whole() or known.get(run.group, overall)
        if whole is None:
            return None
        ends.append(max(0.0, whole - run.elapsed))
    expected: list[float] = []
    for group, count in waiting.items():
        duration = known.get(group, overall)
        if count and duration is None:
            return None
        expected += [duration or 0.0] * count
    return _makespan(ends, sorted(expected, reverse=True), workers)


def _expected(finished: Mapping[str, Mean], running: Sequence[Underway]) -> dict[str, float]:
    """Group -> expected duration [s], of the groups that something is known of."""
    by_progress: dict[str, Mean] = {}
    for run in running:
        if (whole := run.whole()) is not None:
            by_progress[run.group] = by_progress.get(run.group, Mean()).then(whole)
    known = {**by_progress, **{group: mean for group, mean in finished.items() if mean.count}}
    return {group: mean.total / mean.count for group, mean in known.items()}


def _mean(means: Sequence[Mean]) -> float | None:
    count = sum(mean.count for mean in means)
    return sum(mean.total for mean in means) / count if count else None


def _makespan(ends: Sequence[float], durations: Sequence[float], workers: int) -> float:
    """When the last is done, if each duration in turn goes to the worker that is free first."""
    free = list(ends)
    free += [0.0] * max(0, workers - len(free))
    heapq.heapify(free)
    for duration in durations:
        heapq.heapreplace(free, free[0] + duration)
    return max(free, default=0.0)
