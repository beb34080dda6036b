"""Adjusting for the number of ideas that were tried: Dunnett, Holm, Benjamini and Hochberg."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

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
