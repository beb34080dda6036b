"""How long runs take: which one starts next, and when the last will have ended."""

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audition.sweep.pool.job import End, Job

TRUSTED_FRACTION = 0.02
"""A run's own progress is believed from here on; before, start-up time distorts it."""

ALIKE = 1.25
"""Durations on the same power of this count as equal, so that noise does not shuffle a plan."""


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
    return makespan(ends, sorted(expected, reverse=True), workers)


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


def makespan(ends: Sequence[float], durations: Sequence[float], workers: int) -> float:
    """When the last is done, if each duration in turn goes to the worker that is free first."""
    free = list(ends)
    free += [0.0] * max(0, workers - len(free))
    heapq.heapify(free)
    for duration in durations:
        heapq.heapreplace(free, free[0] + duration)
    return max(free, default=0.0)


def longest(expected: Sequence[float | None]) -> int:
    """The place of the longest of `expected` [s], the first of those alike; None is the longest.

    Among workers that are never idle while a job waits, whichever ends last outlasts the others by
    no more than the job it ran last (Graham 1969). So the jobs known to be short come last, and one
    that might be of any length is never left for the end.
    """
    ranks = [_rank(seconds) for seconds in expected]
    return ranks.index(max(ranks))


def _rank(seconds: float | None) -> float:
    return math.inf if seconds is None else math.floor(math.log(max(seconds, 1e-9), ALIKE))


class Pace:
    """What the ends so far say of the jobs to come; its size grows with the groups, not the jobs.

    A job is expected to take as long as its group did. Where that has not ended yet, what was
    expected of it counts, times the factor by which all expectations have been off together: they
    may come from another machine, or be mere counts of operations.
    """

    def __init__(self) -> None:
        self.groups: dict[str, Mean] = {}
        self._taken = self._expected = 0.0

    def learn(self, job: Job, end: End) -> None:
        """`job` ended; only a whole run says how long one takes."""
        if end.status != "ok":
            return
        self.groups[job.group] = self.groups.get(job.group, Mean()).then(end.seconds)
        if job.expected_seconds is not None:
            self._taken += end.seconds
            self._expected += job.expected_seconds

    def expected(self, job: Job) -> float | None:
        """Seconds that `job` should take; None where nothing is known of it."""
        if (mean := self.groups.get(job.group)) is not None:
            return mean.total / mean.count
        if job.expected_seconds is None or not self._expected:
            return job.expected_seconds
        return job.expected_seconds * self._taken / self._expected
