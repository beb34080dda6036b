"""The median of few measurements, with an interval of order statistics: no shape is assumed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, exp, log
from statistics import median


@dataclass(frozen=True)
class Interval:
    """A median, and the two measurements between which the true one lies with that coverage."""

    median: float
    low: float
    high: float
    coverage: float


def median_interval(values: Sequence[float], at_least: float = 0.95) -> Interval:
    """The median of independent `values` and the narrowest such interval with that coverage.

    Of 20 values it is from the 6th to the 15th, which covers 95.9 %. Of too few values it is the
    whole range, whose coverage may be less: five have 93.75 %. Raises ValueError without values.

    Examples:
        >>> found = median_interval(range(1, 21))
        >>> found.low, found.high, round(found.coverage, 3)
        (6, 15, 0.959)
    """
    ordered = sorted(values)
    n = len(ordered)
    if not n:
        raise ValueError("a median of nothing")
    rank, coverage = 1, covered(n, 1)
    while rank + 1 <= n // 2 and covered(n, rank + 1) >= at_least:
        rank += 1
        coverage = covered(n, rank)
    return Interval(median(ordered), ordered[rank - 1], ordered[n - rank], coverage)


def covered(n: int, rank: int) -> float:
    """The probability that the median lies between the `rank`-th smallest and largest of n values."""
    return 1.0 - 2.0 * sum(comb(n, k) for k in range(rank)) / 2.0**n


def ratio_interval(
    values: Sequence[float], base: Sequence[float], at_least: float = 0.95
) -> Interval:
    """The median ratio of `values` to `base`, measured in the same blocks, from their logarithms.

    Raises ValueError for unlike numbers of blocks.
    """
    logs = [log(x / y) for x, y in zip(values, base, strict=True)]
    found = median_interval(logs, at_least)
    return Interval(exp(found.median), exp(found.low), exp(found.high), found.coverage)
