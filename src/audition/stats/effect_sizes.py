"""Standardised effect sizes and their intervals: positive = the idea is better."""

import math
from types import MappingProxyType

import numpy as np
from scipy.special import gammaln

from audition.stats.arms import Arm, Losses, paired_differences, read_arm, require_finite
from audition.stats.calculus import Array
from audition.stats.distributions import noncentrality_interval
from audition.stats.moments import ROUNDING, Moments, mean, pooled_sd, sd

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


def standardised(
    gain: Array | float, spread: Array | float, baseline: Moments, idea: Moments
) -> Array:
    """The gain over the spread [...]; NaN where that is only rounding: never an infinite effect."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.asarray(gain / np.asarray(spread))
    largest = np.maximum(baseline.largest, idea.largest)
    return np.asarray(np.where(spread > ROUNDING * largest, ratio, math.nan))


def cohens_d(baseline: Losses | Arm, idea: Losses | Arm) -> float:
    """Improvement over the pooled sd, for arms [n1], [n2]; NaN where that sd is undefined or zero.

    Source: Cohen (1988), with the (n-1)-weighted pooled variance.

    Raises:
        ValueError: a run diverged, or a seed occurs twice.
    """
    first, second = _finite_moments(baseline, idea)
    return float(standardised(first.mean - second.mean, pooled_sd(first, second), first, second))


def glass_delta(baseline: Losses | Arm, idea: Losses | Arm) -> float:
    """Improvement over the baseline's own sd; NaN where that sd is undefined or zero.

    Raises:
        ValueError: a run diverged, or a seed occurs twice.
    """
    first, second = _finite_moments(baseline, idea)
    return float(standardised(first.mean - second.mean, first.sd, first, second))


def cohens_dz(baseline: Losses | Arm, idea: Losses | Arm) -> float:
    """Mean paired difference over the sd of the differences; NaN for a constant shift.

    Raises:
        ValueError: the arms cannot be paired, or a run diverged.
    """
    differences = paired_differences(baseline, idea)
    arms = _finite_moments(baseline, idea)
    return float(standardised(mean(differences), sd(differences), *arms))


def cohens_dav(baseline: Losses | Arm, idea: Losses | Arm) -> float:
    """Improvement over the root mean of the two variances; NaN where both are zero.

    Source: Cumming (2012), Understanding the New Statistics.

    Raises:
        ValueError: a run diverged, or a seed occurs twice.
    """
    first, second = _finite_moments(baseline, idea)
    return float(standardised(first.mean - second.mean, average_sd(first, second), first, second))


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
    first, second = _finite_moments(baseline, idea)
    differences = paired_differences(baseline, idea)
    low, high = dz_ci(cohens_dz(baseline, idea), len(differences), level)
    ratio = float(standardised(sd(differences), average_sd(first, second), first, second))
    return low * ratio, high * ratio


def hedges_correction(df: float) -> float:
    """Exact J(df), the factor that unbiases d; 0 at one degree of freedom."""
    if df <= 1:
        return 0.0
    log_j = gammaln(df / 2.0) - gammaln((df - 1.0) / 2.0) - 0.5 * math.log(df / 2.0)
    return math.exp(float(log_j))


def average_sd(baseline: Moments, idea: Moments) -> Array:
    """Root mean of the two variances [...], each counted once whatever its n."""
    return np.asarray(np.sqrt((baseline.sd**2 + idea.sd**2) / 2.0))


def _finite_moments(baseline: Losses | Arm, idea: Losses | Arm) -> tuple[Moments, Moments]:
    first, second = read_arm(baseline, name="baseline"), read_arm(idea, name="idea")
    require_finite(first, name="baseline")
    require_finite(second, name="idea")
    return first.moments, second.moments


def _scaled_pivot(effect: float, scale: float, df: int, level: float) -> tuple[float, float]:
    low, high = noncentrality_interval(effect / scale, df, level=level)
    return low * scale, high * scale
