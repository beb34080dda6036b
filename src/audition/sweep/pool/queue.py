"""The waiting jobs: which of them starts next, and when a busy one is tried again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from audition.sweep.pool.estimate import Pace, longest
from audition.sweep.pool.job import End, Job


class Source(Protocol):
    """Makes jobs one by one, each when a slot is free for it."""

    def take(self) -> Job | None:
        """The next job; None where there is none now, until one under way has ended or stopped."""
        ...

    def stops(self, job: Job, report: Mapping[str, Any]) -> str:
        """Why a running job that said so is to be ended; empty where it may go on."""
        ...


_BUSY_DELAY_S, _LONGEST_BUSY_DELAY_S = 1.0, 15.0


@dataclass(frozen=True)
class Waiting:
    """A job that is to be started, or started again."""

    job: Job
    not_before: float = 0.0
    busy: int = 0  # how often another process was found to hold it


class Queue:
    """The longest first, by what is known at each start; jobs alike in the order given.

    The source is asked when no waiting job may start.
    """

    def __init__(self, jobs: Iterable[Job], source: Source | None = None) -> None:
        self._turns = [Waiting(job) for job in jobs]
        self._pace = Pace()
        self._source = source
        self._dry = source is None

    def __bool__(self) -> bool:
        """Whether a job waits, or the source was not asked since the last end."""
        return bool(self._turns) or not self._dry

    def take(self, now: float) -> Waiting | None:
        """The next whose time has come, which then no longer waits; None where there is none."""
        ready = [place for place, turn in enumerate(self._turns) if turn.not_before <= now]
        if not ready:
            job = self._source.take() if self._source else None
            self._dry = job is None
            return Waiting(job) if job else None
        expected = [self._pace.expected(self._turns[place].job) for place in ready]
        return self._turns.pop(ready[longest(expected)])

    def put_back(self, turn: Waiting, now: float) -> None:
        """A busy one goes to the tail, each time for longer."""
        delay = min(_BUSY_DELAY_S * 2**turn.busy, _LONGEST_BUSY_DELAY_S)
        self._turns.append(replace(turn, not_before=now + delay, busy=turn.busy + 1))

    def learn(self, job: Job, end: End) -> None:
        """Take `job`'s duration into the estimates; the source may have more jobs now."""
        self._pace.learn(job, end)
        self._dry = self._source is None

    def stops(self, job: Job, report: Mapping[str, Any]) -> str:
        """Why the source wants a running job ended; empty where it does not."""
        return self._source.stops(job, report) if self._source else ""

    def moments(self) -> Sequence[float]:
        """When each may be started."""
        return [turn.not_before for turn in self._turns]
