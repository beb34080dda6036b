"""Adjusting for the number of ideas that were tried: Dunnett, Holm, Benjamini and Hochberg."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, stdtrit

from audition.stats.calculus import Array, bracket, chi_scale_nodes, find_root, normal_nodes
from audition.stats.distributions import require_probability, t_quantile, t_tail


def dunnett_tail(t: float, *, m: int, df: float, correlation: float = 0.5) -> float:
    """P(the largest of `m` null t statistics > t): the one-sided Dunnett p of one idea.

    Two ideas' t statistics correlate through the baseline they share: n / (n + n_baseline), which
    is 1/2 for equal arms.

    Source: Dunnett (1955), JASA 50, 1096; the double integral over the pooled sd s and the
    baseline's mean z, done by Gauss-Legendre.

    Raises:
        ValueError: m < 1 or a correlation outside [0, 1).
    """
    if m < 1 or not 0.0 <= correlation < 1.0:
        raise ValueError(f"Dunnett needs m >= 1 and 0 <= correlation < 1, got {m}, {correlation}")
    if m == 1 or math.isnan(t):
        return t_tail(t, df)
    s, s_weights = chi_scale_nodes(df)
    z, z_weights = normal_nodes()
    reach = t * s[:, None] + math.sqrt(correlation) * z[None, :]
    # 1 - Phi^m through logarithms: a p of 1e-12 keeps its digits.
    any_beyond = -np.expm1(m * log_ndtr(reach / math.sqrt(1.0 - correlation)))
    return min(1.0, float(s_weights @ any_beyond @ z_weights))


def dunnett_critical_value(alpha: float, *, m: int, df: float, correlation: float = 0.5) -> float:
    """The t that the best of `m` null ideas exceeds with probability `alpha`.

    Raises:
        ValueError: alpha outside (0, 1).
    """
    require_probability(alpha, name="alpha")

    def excess(t: float) -> float:
        return alpha - dunnett_tail(t, m=m, df=df, correlation=correlation)

    low, high = bracket(excess, start=t_quantile(1.0 - alpha, df), step=1.0)
    return find_root(excess, low=low, high=high)


def family_tail(t: float, *, m: int, df: float, correlation: float | None) -> float:
    """One-sided p of one of `m` improvements: Dunnett's, or Bonferroni's where `correlation` is None.

    Dunnett's test takes the errors to be estimated together; improvements that each stand on their
    own spread need Bonferroni's.
    """
    if correlation is None:
        return min(1.0, m * t_tail(t, df))
    return dunnett_tail(t, m=m, df=df, correlation=correlation)


def family_critical_value(alpha: float, *, m: int, df: float, correlation: float | None) -> float:
    """The t at which `family_tail` is `alpha`: standard errors from the gain to its interval's end.

    Raises:
        ValueError: alpha outside (0, 1).
    """
    require_probability(alpha, name="alpha")
    if m == 1 or correlation is None:
        return t_quantile(1.0 - alpha / m, df)
    return dunnett_critical_value(alpha, m=m, df=df, correlation=correlation)


def family_critical_values(alpha: float, *, m: int, df: Array, correlation: Array) -> Array:
    """`dunnett_critical_value` for arrays [...] by the thousand, within half a percent.

    Interpolated in 1/df and the correlation, between values of a table that are made when needed.
    """
    if m == 1:
        return np.asarray(stdtrit(df, 1.0 - alpha))
    row = np.clip(1.0 / df, 0.0, 1.0)
    column = np.clip(correlation, CORRELATIONS[0], CORRELATIONS[-1])
    i = np.clip(np.searchsorted(INVERSE_DF, row, side="right") - 1, 0, len(INVERSE_DF) - 2)
    j = np.clip(np.searchsorted(CORRELATIONS, column, side="right") - 1, 0, len(CORRELATIONS) - 2)
    table = np.full((len(INVERSE_DF), len(CORRELATIONS)), math.nan)
    around = np.zeros(table.shape, dtype=bool)
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        around[i + down, j + right] = True
    for a, b in zip(*np.nonzero(around), strict=True):
        table[a, b] = _log_critical_value(alpha, m, float(INVERSE_DF[a]), float(CORRELATIONS[b]))
    y = (row - INVERSE_DF[i]) / (INVERSE_DF[i + 1] - INVERSE_DF[i])
    x = (column - CORRELATIONS[j]) / (CORRELATIONS[j + 1] - CORRELATIONS[j])
    below = (1 - x) * table[i, j] + x * table[i, j + 1]
    above = (1 - x) * table[i + 1, j] + x * table[i + 1, j + 1]
    return np.asarray(np.exp((1 - y) * below + y * above))


INVERSE_DF = np.array([0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.65, 0.8, 1.0])
CORRELATIONS = np.array([0.0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.99])


@lru_cache(maxsize=8192)
def _log_critical_value(alpha: float, m: int, inverse_df: float, correlation: float) -> float:
    df = 1.0 / inverse_df if inverse_df else math.inf
    return math.log(dunnett_critical_value(alpha, m=m, df=df, correlation=correlation))


def holm(p: Sequence[float], *, family_size: int | None = None) -> list[float]:
    """Holm's step-down adjusted p values [m], in the given order; holds the family error.

    `family_size` >= m counts comparisons that were made but are not in `p`.

    Source: Holm (1979), Scand. J. Stat. 6, 65.

    Raises:
        ValueError: a p outside [0, 1], or a family smaller than `p`.
    """
    values, family = _checked(p, family_size)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate((family - np.arange(len(values))) * values[order])
    return _in_given_order(stepped, order)


def benjamini_hochberg(p: Sequence[float], *, family_size: int | None = None) -> list[float]:
    """Benjamini-Hochberg adjusted p values [m], in the given order; for screening only.

    Controls the expected share of false finds, not the chance of any. `family_size` >= m counts
    comparisons that were made but are not in `p`.

    Source: Benjamini & Hochberg (1995), JRSS B 57, 289.

    Raises:
        ValueError: a p outside [0, 1], or a family smaller than `p`.
    """
    values, family = _checked(p, family_size)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * family / np.arange(1, len(values) + 1)
    stepped = np.minimum.accumulate(scaled[::-1])[::-1]
    return _in_given_order(stepped, order)


def _checked(p: Sequence[float], family_size: int | None) -> tuple[Array, int]:
    values = np.asarray(p, dtype=float)
    outside = values[~((values >= 0.0) & (values <= 1.0))]
    if len(outside):
        raise ValueError(f"p={outside[0]} is not a probability; give p values between 0 and 1")
    family = len(values) if family_size is None else family_size
    if family < len(values):
        raise ValueError(f"family_size={family} is smaller than the {len(values)} p values in it")
    return values, family


def _in_given_order(adjusted: Array, order: NDArray[np.intp]) -> list[float]:
    return [float(p) for p in np.minimum(adjusted, 1.0)[np.argsort(order)]]
