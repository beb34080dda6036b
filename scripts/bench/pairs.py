"""Two timings in turn, A B A B ..., so that a machine whose speed drifts drifts for both."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """One line of the table: what was timed, against what, and the bound it should keep."""

    what: str
    unit: str
    ours: float  # median, in `unit`
    theirs: float | None  # median of what it is measured against, if anything
    ratio: float | None  # median of the pairs' own ratios
    bound: str = ""

    def __str__(self) -> str:
        theirs = "" if self.theirs is None else f"{self.theirs:.4g}"
        ratio = "" if self.ratio is None else f"{self.ratio:.3f}"
        return (
            f"| {self.what} | {self.ours:.4g} | {theirs} | {self.unit} | {ratio} | {self.bound} |"
        )


def paired(
    what: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    *,
    pairs: int,
    unit: str,
    per: float = 1.0,
    bound: str = "",
) -> Row:
    """Time both `pairs` times in turn, after one uncounted turn each; `per` divides seconds."""
    ours(), theirs()
    a, b = [], []
    for turn in range(pairs):
        # Which goes first alternates, so that neither always finds the warmer cache.
        for side, timed in ((a, ours), (b, theirs)) if turn % 2 else ((b, theirs), (a, ours)):
            side.append(seconds(timed) / per)
    ratios = [x / y for x, y in zip(a, b, strict=True)]
    return Row(what, unit, median(a), median(b), median(ratios), bound)


def alone(
    what: str,
    ours: Callable[[], object],
    *,
    times: int,
    unit: str,
    per: float = 1.0,
    bound: str = "",
) -> Row:
    """The median of `times` timings, after one that is not counted."""
    ours()
    return Row(what, unit, median(seconds(ours) / per for _ in range(times)), None, None, bound)


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call [s]."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
