"""The t distributions: tails, quantiles, and intervals for a noncentrality."""

import math
from functools import lru_cache
from typing import Literal, get_args

from scipy.special import gammainc, ndtr, ndtri, stdtr, stdtrit

from audition.stats.calculus import bracket, chi_scale_nodes, find_root, normal_nodes

Sides = Literal["two", "one"]
SIDES: tuple[Sides, ...] = get_args(Sides)


def require_probability(value: float, *, name: str) -> None:
    """Stop on a level, alpha or power outside (0, 1).

    Raises:
        ValueError: naming the argument and its value.
    """
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name}={value} is not a probability; choose one between 0 and 1")


def side_of(alpha: float, sides: Sides) -> float:
    """The chance of error on one side.

    Raises:
        ValueError: alpha outside (0, 1), one-sided from 1/2 up, or unknown sides.
    """
    if sides not in SIDES:
        raise ValueError(f"sides={sides!r} is unknown; choose {' or '.join(SIDES)}")
    if not 0.0 < alpha < (1.0 if sides == "two" else 0.5):
        raise ValueError(f"alpha={alpha} is not a chance of error; choose one such as 0.05")
    return alpha / 2.0 if sides == "two" else alpha


def t_tail(t: float, df: float) -> float:
    """P(T > t) for Student's t; `df` may be infinite (the normal)."""
    # The tail is the mirrored cdf: 1 - cdf would lose every p below 1e-16.
    return float(ndtr(-t) if math.isinf(df) else stdtr(df, -t))


def t_quantile(probability: float, df: float) -> float:
    """The t with P(T <= t) = probability; `df` may be infinite."""
    return float(ndtri(probability) if math.isinf(df) else stdtrit(df, probability))


def noncentral_t_tail(t: float, df: float, noncentrality: float) -> float:
    """P(T' > t) for the noncentral t; `df` may be infinite.

    The integral is done here, by Gauss-Legendre: scipy's `nctdtr` is as exact where it answers, but
    it returns NaN in far tails that a root-finder passes through.

    Source: T' > t means Z + noncentrality > t s, with Z normal and s = sqrt(chi2(df) / df).
    """
    if math.isinf(df):
        return float(ndtr(noncentrality - t))
    if t < 0:
        return 1.0 - noncentral_t_tail(-t, df, -noncentrality)
    # Integrate over whichever of s and Z leaves the smoother integrand.
    if t * t <= 2.0 * df:
        s, weights = chi_scale_nodes(df)
        return float(weights @ ndtr(noncentrality - t * s))
    z, weights = normal_nodes(lowest=-noncentrality)
    return float(weights @ gammainc(df / 2.0, df / 2.0 * ((z + noncentrality) / t) ** 2))


@lru_cache(maxsize=256)
def noncentrality_interval(t: float, df: float, *, level: float = 0.95) -> tuple[float, float]:
    """Central interval for the noncentrality whose t statistic came out as `t`.

    Both ends are roots of the distribution itself. The ready inverse, `nctdtrinc`, is off by 2e-5.

    Source: Steiger & Fouladi (1997), the noncentrality pivot.

    Raises:
        ValueError: `level` outside (0, 1).
    """
    require_probability(level, name="level")
    if not (math.isfinite(t) and df >= 1):
        return math.nan, math.nan
    tail = (1.0 - level) / 2.0

    def end(probability: float) -> float:
        def excess(noncentrality: float) -> float:
            return noncentral_t_tail(t, df, noncentrality) - probability

        low, high = bracket(excess, start=t, step=2.0 + abs(t) / math.sqrt(2.0 * df))
        return find_root(excess, low=low, high=high)

    return end(tail), end(1.0 - tail)
