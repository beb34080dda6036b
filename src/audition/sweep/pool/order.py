"""Which job starts next: the one that is expected to take longest, by all that is known so far."""

import math
from collections.abc import Sequence

from audition.sweep.pool.estimate import Mean
from audition.sweep.pool.job import End, Job

ALIKE = 1.25
"""Durations on the same power of this count as equal, so that noise does not shuffle a plan."""


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
        self._groups: dict[str, Mean] = {}
        self._taken = self._expected = 0.0

    def learn(self, job: Job, end: End) -> None:
        """`job` ended; only a whole run says how long one takes."""
        if end.status != "ok":
            return
        self._groups[job.group] = self._groups.get(job.group, Mean()).then(end.seconds)
        if job.expected_seconds is not None:
            self._taken += end.seconds
            self._expected += job.expected_seconds

    def expected(self, job: Job) -> float | None:
        """Seconds that `job` should take; None where nothing is known of it."""
        if (mean := self._groups.get(job.group)) is not None:
            return mean.total / mean.count
        if job.expected_seconds is None or not self._expected:
            return job.expected_seconds
        return job.expected_seconds * self._taken / self._expected
