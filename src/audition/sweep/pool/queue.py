"""The jobs that wait: which of them is next, and when a busy one may be tried again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from audition.sweep.pool.job import End, Job
from audition.sweep.pool.order import Pace, longest

_BUSY_DELAY_S, _LONGEST_BUSY_DELAY_S = 1.0, 15.0


@dataclass(frozen=True)
class Waiting:
    """A job that is to be started, or started again."""

    job: Job
    not_before: float = 0.0
    busy: int = 0  # how often another process was found to hold it


class Queue:
    """The longest first, by what is known at each start; jobs alike in the order given."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._turns = [Waiting(job) for job in jobs]
        self._pace = Pace()

    def __len__(self) -> int:
        return len(self._turns)

    def take(self, now: float) -> Waiting | None:
        """The next whose time has come, which then no longer waits; None where there is none."""
        ready = [place for place, turn in enumerate(self._turns) if turn.not_before <= now]
        if not ready:
            return None
        expected = [self._pace.expected(self._turns[place].job) for place in ready]
        return self._turns.pop(ready[longest(expected)])

    def put_back(self, turn: Waiting, now: float) -> None:
        """A busy one goes to the tail, each time for longer."""
        delay = min(_BUSY_DELAY_S * 2**turn.busy, _LONGEST_BUSY_DELAY_S)
        self._turns.append(replace(turn, not_before=now + delay, busy=turn.busy + 1))

    def learn(self, job: Job, end: End) -> None:
        """How long `job` took counts for those that wait."""
        self._pace.learn(job, end)

    def moments(self) -> Sequence[float]:
        """When each may be started."""
        return [turn.not_before for turn in self._turns]
