"""Calls that are timed in blocks: each once a block, in another order every time."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from audition.amount import Amount
from audition.stats.medians import Interval, ratio_interval

BLOCKS = 20
WARM_UP = 3


@dataclass(frozen=True)
class Timed:
    """Seconds of a call, one of each block."""

    seconds: tuple[float, ...]

    def ratio(self, base: "Timed") -> Interval:
        """The median ratio to another call of the same blocks, with an interval."""
        return ratio_interval(self.seconds, base.seconds)

    def amounts(self, units: int) -> dict[str, Amount]:
        """Latency in milliseconds, the middle and the slowest of twenty, and units a second."""
        ordered = sorted(self.seconds)
        slow = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        return {
            "latency_p50": Amount(1e3 * median(ordered), "ms", "measured"),
            "latency_p95": Amount(1e3 * slow, "ms", "measured"),
            "throughput": Amount(units / median(ordered), "tokens/s", "measured"),
        }


def in_blocks(
    calls: Mapping[str, Callable[[], object]],
    *,
    blocks: int = BLOCKS,
    warm_up: int = WARM_UP,
    seed: int = 0,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Timed]:
    """Time `calls`, after each was called `warm_up` times.

    What else the machine does meets all of them alike within a block, so ratios are to be trusted
    where seconds are not.
    """
    order, generator = list(calls), random.Random(seed)
    for call in calls.values():
        for _ in range(warm_up):
            call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(blocks):
        generator.shuffle(order)
        for name in order:
            begun = clock()
            calls[name]()
            seconds[name].append(clock() - begun)
    return {name: Timed(tuple(each)) for name, each in seconds.items()}
