"""Intervals for a share of trials: independent ones, clustered ones, and ones that overlap."""

import math
from collections.abc import Sequence

from scipy.special import ndtri, stdtrit

from audition.stats.calculus import find_root
from audition.stats.distributions import require_probability


def wilson_interval(made: float, of: float, *, level: float = 0.95) -> tuple[float, float]:
    """Interval for a share of `of` independent trials; all of (0, 1) without any.

    Source: Wilson (1927), JASA 22, 209.

    Raises:
        ValueError: `level` outside (0, 1), or a share outside [0, 1].
    """
    require_probability(level, name="level")
    if of <= 0:
        return 0.0, 1.0
    share, z = _share(made / of), float(ndtri(0.5 + level / 2.0))
    centre = (share + z**2 / (2.0 * of)) / (1.0 + z**2 / of)
    half = z / (1.0 + z**2 / of) * math.sqrt(share * (1.0 - share) / of + (z / (2.0 * of)) ** 2)
    low = 0.0 if share == 0.0 else max(0.0, centre - half)
    return low, 1.0 if share == 1.0 else min(1.0, centre + half)


def independent_trials(made: Sequence[int], each: int) -> float:
    """How many independent trials are as good as clusters of `each`, with `made` successes each.

    What the trials of a cluster share (a baseline) makes their successes come together, which their
    variance between clusters shows: share (1 - share) / variance of the share, from the number of
    clusters to that of trials. A variance from few clusters is itself uncertain, so fewer count: by
    the squared ratio of the t quantiles of trials and of clusters. Where all trials came out alike
    nothing can be shown: the clusters count.

    Source: Korn & Graubard (1998), Survey Methodology 24, 193, with their degrees of freedom.

    Raises:
        ValueError: no cluster, or clusters of nothing.
    """
    clusters = len(made)
    if not clusters or each < 1:
        raise ValueError(f"{clusters} clusters of {each} trials are none")
    share = sum(made) / (clusters * each)
    if clusters < 2 or share in (0.0, 1.0):
        return float(clusters)
    spread = sum((k / each - share) ** 2 for k in made) / (clusters - 1)
    effective = share * (1.0 - share) * clusters / spread if spread else math.inf
    trials = clusters * each
    sure = float(stdtrit(trials - 1, 0.975) / stdtrit(clusters - 1, 0.975)) ** 2
    return sure * min(max(effective, float(clusters)), float(trials))


def overlapping_interval(
    share: float, independent: float, *, level: float = 0.95
) -> tuple[float, float]:
    """Guaranteed interval for a share of overlapping trials, worth `independent` separate ones.

    It holds whatever the overlap, and is wide: one independent pair excludes next to nothing.

    Source: Hoeffding (1963), JASA 58, 13, theorem 1 and section 5b: a mean over all splits deviates
    no more than one over floor(N / 2n) separate splits, P(error) <= exp(-independent KL).

    Raises:
        ValueError: `level` outside (0, 1), or a share outside [0, 1].
    """
    require_probability(level, name="level")
    share = _share(share)
    if independent <= 0:
        return 0.0, 1.0
    reach = math.log(2.0 / (1.0 - level)) / independent

    def excess(rate: float) -> float:
        return _divergence(share, rate) - reach

    edge = 1e-15
    low = 0.0 if excess(edge) <= 0 or share == 0.0 else find_root(excess, low=edge, high=share)
    tops_out = share == 1.0 or excess(1.0 - edge) <= 0
    return low, 1.0 if tops_out else find_root(excess, low=share, high=1.0 - edge)


def _share(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"share={value} is not between 0 and 1")
    return value


def _divergence(share: float, rate: float) -> float:
    """Kullback-Leibler divergence of a coin of `rate` from one of `share`."""
    gain = share * math.log(share / rate) if share > 0 else 0.0
    return gain + ((1.0 - share) * math.log((1.0 - share) / (1.0 - rate)) if share < 1 else 0.0)
