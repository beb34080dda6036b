"""How fast something goes that is done over and over: warmed up, timed in chunks, the median taken."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

CHUNKS = 8
"""Chunks that the time is cut into, if a step is short enough."""
PERIOD = 10
"""Steps after which whatever an idea does only now and then has come round."""
WARM = 0.3
"""Part of the time for warming up, on top of it."""


@dataclass(frozen=True)
class Chunk:
    """Steps done in one go, the seconds they took, and those that this process was given a core."""

    steps: int
    seconds: float
    cpu_s: float = 0.0  # of all its threads together


@dataclass(frozen=True)
class Pace:
    """What was timed: the very first step, and the chunks after the warm-up."""

    first_s: float
    chunks: Sequence[Chunk]

    @property
    def steps_per_s(self) -> float:
        """The median over chunks, each long enough to hold all that a step can be; else the mean.

        A median of chunks of one step would hide what every tenth step costs.
        """
        if min(chunk.steps for chunk in self.chunks) >= PERIOD:
            return statistics.median(chunk.steps / chunk.seconds for chunk in self.chunks)
        return sum(c.steps for c in self.chunks) / sum(c.seconds for c in self.chunks)

    @property
    def cores(self) -> float:
        """Cores that were at work for it, on average."""
        return sum(c.cpu_s for c in self.chunks) / sum(c.seconds for c in self.chunks)


def paced(
    step: Callable[[], None],
    seconds: float,
    *,
    finish: Callable[[], None] = lambda: None,
    meet: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
    cpu_clock: Callable[[], float] = time.process_time,
) -> Pace:
    """Time `step` for about `seconds`, after a warm-up, in chunks of equally many steps.

    finish: waits until the device has done what was asked of it. meet: waits, once warm, until the
    others who are to be timed at the same moment are warm too. Where a single step takes longer
    than the warm-up should, that one is all of it.
    """

    def timed(steps: int) -> Chunk:
        began, cpu_s = clock(), cpu_clock()
        for _ in range(steps):
            step()
        finish()
        return Chunk(steps, max(clock() - began, 1e-9), cpu_clock() - cpu_s)

    first = last = timed(1)
    spent = first.seconds
    while spent < WARM * seconds:
        last = timed(1)
        spent += last.seconds
    meet()
    size = max(1, round(seconds / CHUNKS / last.seconds))
    chunks = [timed(size)]
    while sum(chunk.seconds for chunk in chunks) < seconds:
        chunks.append(timed(size))
    return Pace(first.seconds, chunks)
