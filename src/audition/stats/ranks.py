"""Tests of ranks: Mann-Whitney, exact up to 100 runs, the least p of exact tests, and correlation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audition.stats.arms import Arm, Losses, read_arm

EXACT = 100
"""Runs above which counting all permutations would take seconds, then more memory than there is."""


@dataclass(frozen=True)
class ExactTest:
    """A test of ranks. `p` is one-sided, "the idea is better"."""

    statistic: float
    p: float
    p_two_sided: float


def mann_whitney(baseline: Losses | Arm, idea: Losses | Arm) -> ExactTest:
    """Exact Mann-Whitney test for arms [n1], [n2]; the statistic U counts pairs the idea wins.

    Ties share their rank, and the permutation distribution of those very ranks is counted. A
    diverged run (NaN or infinite) ranks as the worst loss. Above EXACT runs in all, the sum of ranks is
    taken for normal, with the variance of those ranks and a correction for continuity.

    Source: Mann & Whitney (1947); ranks by counting as in Streitberg & Roehmel (1986); the normal
    limit with ties, Lehmann (1975), Nonparametrics, chapter 1.

    Raises:
        ValueError: an empty arm, or a seed occurs twice.
    """
    first, second = read_arm(baseline, name="baseline"), read_arm(idea, name="idea")
    if not first.n or not second.n:
        raise ValueError(f"Mann-Whitney needs a run in each arm, got {first.n} and {second.n}")
    losses = np.array([math.inf if math.isnan(x) else x for x in first.losses + second.losses])
    doubled = _doubled_ranks(losses)
    observed = int(doubled[: first.n].sum())
    if first.n + second.n > EXACT:
        return _normal(doubled, first.n, second.n, observed)
    counts = _subset_sum_counts(doubled, first.n)
    total = counts.sum()
    upper, lower = counts[observed:].sum() / total, counts[: observed + 1].sum() / total
    u = observed / 2.0 - first.n * (first.n + 1) / 2.0
    p_two = min(1.0, 2.0 * min(float(upper), float(lower)))
    return ExactTest(u, float(upper), p_two)


def _normal(doubled: NDArray[np.int64], n1: int, n2: int, observed: int) -> ExactTest:
    """The test in the normal limit; the sum of doubled ranks moves in steps of at least one."""
    ranks = doubled / 2.0
    variance = n1 * n2 / (n1 + n2) * float(ranks.var(ddof=1))
    apart = observed / 2.0 - n1 * float(ranks.mean())
    u = observed / 2.0 - n1 * (n1 + 1) / 2.0
    if variance == 0.0:
        return ExactTest(u, 1.0, 1.0)
    above, below = ((side * apart - 0.5) / math.sqrt(variance) for side in (1.0, -1.0))
    upper, lower = (0.5 * math.erfc(z / math.sqrt(2.0)) for z in (above, below))
    return ExactTest(u, upper, min(1.0, 2.0 * min(upper, lower)))


def signflip_floor(n: int) -> float:
    """Smallest one-sided p that n pairs can give: 2**-n (three seeds: .125)."""
    return 2.0**-n


def mann_whitney_floor(n1: int, n2: int) -> float:
    """Smallest one-sided p that arms of n1 and n2 can give: 1 / C(n1 + n2, n1) (3 and 3: .05)."""
    return 1.0 / math.comb(n1 + n2, n1)


def _doubled_ranks(losses: NDArray[np.float64]) -> NDArray[np.int64]:
    """Twice the mid-rank of every loss: an integer even for ties."""
    ordered = np.sort(losses)
    left = np.searchsorted(ordered, losses, side="left")
    right = np.searchsorted(ordered, losses, side="right")
    return np.asarray(left + right + 1, dtype=np.int64)


def _subset_sum_counts(ranks: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Number of subsets of `size` ranks by their sum [sum of all ranks + 1]."""
    counts = np.zeros((size + 1, int(ranks.sum()) + 1))
    counts[0, 0] = 1.0
    for rank in ranks:
        # From large subsets to small, so that one rank is used once.
        for k in range(size, 0, -1):
            counts[k, rank:] += counts[k - 1, :-rank]
    return np.asarray(counts[size])


def spearman(x: Sequence[float], y: Sequence[float]) -> float:
    """Rank correlation of x [n] and y [n], ties sharing their rank; not-a-number where either is
    constant, or n < 2.

    Source: Spearman (1904).
    """
    if len(x) < 2:
        return math.nan
    ranks = [_doubled_ranks(np.asarray(values, dtype=np.float64)) for values in (x, y)]
    a, b = (each - each.mean() for each in ranks)
    scale = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / scale if scale > 0 else math.nan
