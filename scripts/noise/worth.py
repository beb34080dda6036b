"""What a way of measuring is worth in seeds: ratios of variances of same-seed differences.

An interval's width goes with sd / √n, so a way that leaves a share q of the variance needs a share q of
the seeds. Shape suffixes: S seeds, K parts of the held-out windows.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audition.stats.variances import variance_ratio

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Worth:
    """A share of the seeds that is still needed, with its 95 % interval."""

    seeds: float  # 1: as many as before; .5: half of them
    low: float
    high: float
    n: int


def morgan(new: Floats, old: Floats) -> Worth:
    """`variance_ratio` of [S] and [S] with Pitman's and Morgan's interval, exact for normal losses."""
    ratio, (low, high) = variance_ratio(new.tolist(), old.tolist())
    return Worth(ratio, low, high, len(new))


def pairing(baseline: Floats, idea: Floats) -> float:
    """Variance of same-seed differences over that of unpaired ones, [S] and [S].

    With equal spreads it is 1 - rho.
    """
    return float((baseline - idea).var(ddof=1) / (baseline.var(ddof=1) + idea.var(ddof=1)))


def window_share(differences: Floats) -> float:
    """Share of the variance of a difference that comes of the windows: what more of them can save.

    differences: [S, K] on K parts of the windows. The two-way layout D[s, k] = d + seed[s] + part[k] +
    rest[s, k] has E MS(rest) = σ²(rest) and E MS(seeds) = K σ²(seed) + σ²(rest); their ratio is
    the share that the rest has in the variance of the mean over all parts. It is at most 1.
    """
    s, k = differences.shape
    seeds, parts = differences.mean(1), differences.mean(0)
    rest = differences - seeds[:, None] - parts[None] + differences.mean()
    of_rest = float(np.square(rest).sum()) / ((s - 1) * (k - 1))
    of_seeds = k * float(seeds.var(ddof=1))
    return float(min(1.0, of_rest / of_seeds))


def adjusted(baseline: Floats, idea: Floats, *, extra: float) -> float:
    """What the baseline's own loss as covariate leaves of the variance of the mean difference.

    Both are [S]; the baseline has `extra` x S seeds more, which say where its mean is. With r the
    correlation of the difference and the covariate, mean(D) - b (mean(B) - mean of all B) has
    Var(D) / n x ((1 - r²) + r² / (1 + extra)). Without extra seeds nothing is gained: the covariate's
    mean is then known no better than the difference's.
    """
    squared = float(np.corrcoef(baseline - idea, baseline)[0, 1]) ** 2
    # The slope is estimated from n seeds, too, as in an analysis of covariance.
    slope = extra / (1.0 + extra) / (len(baseline) - 3)
    return (1.0 - squared) * (1.0 + slope) + squared / (1.0 + extra)


def pooled(baseline: Floats, idea: Floats, *, extra: float) -> float:
    """The variance of the difference of means, unpaired, with `extra` x S baseline seeds more.

    Over that of the paired difference on [S] seeds: what a verdict does today with such seeds.
    """
    spread = float(idea.var(ddof=1)) + float(baseline.var(ddof=1)) / (1.0 + extra)
    return spread / float((baseline - idea).var(ddof=1))


def stopped_half_way(half: Floats, end: Floats) -> float:
    """The least cost for the same interval where most seeds are stopped half-way, over the full cost.

    Differences [S] at half of the run and at its end, with squared correlation q. With N seeds to the
    half and n of them to the end the variance goes with (1 - q) / n + q / N and the cost with
    (N + n) / 2; the best N / n = √(q / (1 - q)) gives (√(1 - q) + √q)² / 2. Under q = 1/2 every seed
    goes to the end, at cost 1 (double sampling: Cochran 1977, chapter 12).
    """
    q = min(1.0, max(0.5, float(np.corrcoef(half, end)[0, 1]) ** 2))
    return (math.sqrt(1.0 - q) + math.sqrt(q)) ** 2 / 2.0


def bootstrap(
    worth: Callable[..., float], *samples: Floats, draws: int = 4000, seed: int = 0
) -> Worth:
    """`worth` of samples that have seeds on their first axis; whole seeds are drawn again.

    The interval is the percentile one, 95 %; with a dozen seeds or fewer it is too narrow.
    """
    n, rng = len(samples[0]), np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        drawn = rng.integers(n, size=n)
        if len(set(drawn.tolist())) > 2:  # two seeds correlate perfectly
            found.append(worth(*(each[drawn] for each in samples)))
    low, high = np.quantile(found, [0.025, 0.975])
    return Worth(worth(*samples), float(low), float(high), n)
