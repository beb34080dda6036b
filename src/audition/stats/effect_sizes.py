"""Standardised effect sizes and their intervals: positive = the idea is better."""

from __future__ import annotations

import math
from types import MappingProxyType

from scipy.special import gammaln

from audition.stats.arms import (
    Arm,
    Losses,
    is_rounding,
    mean,
    paired_differences,
    read_arm,
    require_finite,
    sd,
)
from audition.stats.noncentral_t import noncentrality_interval

FORMULAE = MappingProxyType(
    {
        "cohens_d": "d = D / s_pooled, s_pooled^2 = ((n1-1) s1^2 + (n2-1) s2^2) / (n1+n2-2)",
        "hedges_g": "g = J d, J = Gamma(v/2) / (sqrt(v/2) Gamma((v-1)/2)), v = n1+n2-2",
        "glass_delta": "Delta = D / s_baseline",
        "cohens_dz": "d_z = mean(difference) / sd(difference)",
        "cohens_dav": "d_av = D / sqrt((s1^2 + s2^2) / 2)",
    }
)
"""Effect size -> formula, printed beside every number (D = mean(baseline) - mean(idea), ddof 1)."""


def cohens_d(baseline: Losses | Arm, idea: Losses | Arm) -> float:
    """Improvement over the pooled sd, for arms [n1], [n2]; NaN where that sd is undefined or zero.

    Source: Cohen (1988), with the (n-1)-weighted pooled variance.

    Raises:
        ValueError: a run diverged, or a seed occurs twice.
    """
    first, second = _finite_arms(baseline, idea)
    return _over(first.mean - second.mean, pooled_sd(first, second), first, second)


def hedges_g(baseline: Losses | Arm, idea: Losses | Arm) -> float:
    """Cohen's d times the exact small-sample correction J.

    Source: Hedges (1981), J. Educ. Stat. 6, 107.

    Raises:
        ValueError: a run diverged, or a seed occurs twice.
    """
    first, second = _finite_arms(baseline, idea)
    return hedges_correction(first.n + second.n - 2) * cohens_d(first, second)


def glass_delta(baseline: Losses | Arm, idea: Losses | Arm) -> float:
    """Improvement over the baseline's own sd; NaN where that sd is undefined or zero.

    Raises:
        ValueError: a run diverged, or a seed occurs twice.
    """
    first, second = _finite_arms(baseline, idea)
    return _over(first.mean - second.mean, first.sd, first, second)


def cohens_dz(baseline: Losses | Arm, idea: Losses | Arm) -> float:
    """Mean paired difference over the sd of the differences; NaN for a constant shift.

    Raises:
        ValueError: the arms cannot be paired, or a run diverged.
    """
    differences = paired_differences(baseline, idea)
    return _over(mean(differences), sd(differences), *_finite_arms(baseline, idea))


def cohens_dav(baseline: Losses | Arm, idea: Losses | Arm) -> float:
    """Improvement over the root mean of the two variances; NaN where both are zero.

    Source: Cumming (2012), Understanding the New Statistics.

    Raises:
        ValueError: a run diverged, or a seed occurs twice.
    """
    first, second = _finite_arms(baseline, idea)
    return _over(first.mean - second.mean, average_sd(first, second), first, second)


def d_ci(d: float, n1: int, n2: int, level: float = 0.95) -> tuple[float, float]:
    """Interval for a d from independent arms of `n1` and `n2` seeds.

    d / sqrt(1/n1 + 1/n2) is noncentral t with n1 + n2 - 2 degrees of freedom; with unequal sds the
    interval is approximate. NaN under three seeds in all.

    Raises:
        ValueError: `level` outside (0, 1).
    """
    return _scaled_pivot(d, math.sqrt(1.0 / n1 + 1.0 / n2), n1 + n2 - 2, level)


def glass_delta_ci(
    delta: float, n_baseline: int, n_idea: int, level: float = 0.95
) -> tuple[float, float]:
    """Interval for Glass's delta: noncentral t on the baseline's n - 1 degrees of freedom.

    Exact when both arms have one sd.

    Raises:
        ValueError: `level` outside (0, 1).
    """
    scale = math.sqrt(1.0 / n_baseline + 1.0 / n_idea)
    return _scaled_pivot(delta, scale, n_baseline - 1, level)


def dz_ci(dz: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Interval for a d_z from `n` pairs: d_z sqrt(n) is noncentral t with n - 1 df.

    Raises:
        ValueError: `level` outside (0, 1).
    """
    return _scaled_pivot(dz, 1.0 / math.sqrt(n), n - 1, level)


def dav_ci(baseline: Losses | Arm, idea: Losses | Arm, level: float = 0.95) -> tuple[float, float]:
    """Interval for d_av of paired arms: the d_z interval in units of the average sd.

    Source: Algina & Keselman (2003), Educ. Psychol. Meas. 63, 537.

    Raises:
        ValueError: the arms cannot be paired, a run diverged, or `level` outside (0, 1).
    """
    first, second = _finite_arms(baseline, idea)
    differences = paired_differences(first, second)
    low, high = dz_ci(cohens_dz(first, second), len(differences), level)
    ratio = _over(sd(differences), average_sd(first, second), first, second)
    return low * ratio, high * ratio


def hedges_correction(df: float) -> float:
    """Exact J(df), the factor that unbiases d; 0 at one degree of freedom."""
    if df <= 1:
        return 0.0
    log_j = gammaln(df / 2.0) - gammaln((df - 1.0) / 2.0) - 0.5 * math.log(df / 2.0)
    return math.exp(float(log_j))


def pooled_sd(baseline: Arm, idea: Arm) -> float:
    """Square root of the (n-1)-weighted mean variance of two arms; NaN without any spread to use.

    An arm of one seed carries no information on the spread and adds no degree of freedom.
    """
    df = baseline.n + idea.n - 2
    squares = [(arm.n - 1) * arm.sd**2 for arm in (baseline, idea) if arm.n > 1]
    return math.sqrt(math.fsum(squares) / df) if df > 0 else math.nan


def average_sd(baseline: Arm, idea: Arm) -> float:
    """Root mean of the two variances, each counted once whatever its n."""
    return math.sqrt((baseline.sd**2 + idea.sd**2) / 2.0)


def _finite_arms(baseline: Losses | Arm, idea: Losses | Arm) -> tuple[Arm, Arm]:
    first, second = read_arm(baseline, name="baseline"), read_arm(idea, name="idea")
    require_finite(first, name="baseline")
    require_finite(second, name="idea")
    return first, second


def _over(numerator: float, spread: float, first: Arm, second: Arm) -> float:
    """The ratio, or NaN where the spread is only rounding: never an infinite effect."""
    if math.isnan(spread) or is_rounding(spread, losses=first.losses + second.losses):
        return math.nan
    return numerator / spread


def _scaled_pivot(effect: float, scale: float, df: int, level: float) -> tuple[float, float]:
    low, high = noncentrality_interval(effect / scale, df, level=level)
    return low * scale, high * scale
