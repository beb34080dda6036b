"""How often ideas pass the card's rule: those that do nothing, and those that truly gain."""

import math
from functools import lru_cache

import numpy as np
from scipy.special import chndtr

from audition.stats.calculus import REACH, Array, chi_scale_nodes, legendre, normal_nodes


def seed_rule_false_pass_rate(
    n: int,
    rho: float = 0.0,
    m: int = 1,
    n_baseline: int | None = None,
    *,
    k: float = 2.0,
    d_min: float = 0.5,
) -> float:
    """Chance that any of `m` ideas which do nothing passes, on one shared baseline of n_baseline.

    With d_min = 0 and one idea this is the closed form P(T_{n-1} > k sqrt(n / (2 (1 - rho)))).

    Raises:
        ValueError: n or n_baseline under two, m under one, or rho outside (-1, 1).
    """
    return seed_rule_pass_rate(0.0, n, rho=rho, m=m, n_baseline=n_baseline, k=k, d_min=d_min)


@lru_cache(maxsize=256)
def seed_rule_pass_rate(
    effect: float,
    n: int,
    *,
    rho: float = 0.0,
    m: int = 1,
    n_baseline: int | None = None,
    k: float = 2.0,
    d_min: float = 0.5,
) -> float:
    """Chance that any of `m` ideas passes the rule when each truly gains `effect` (in seed sds).

    Losses are normal with sd 1, and one seed's losses in any two arms correlate by rho; the idea's
    seeds are among the baseline's. Integrated over the baseline's sd s, the baseline's mean z and
    the idea's D. Exact for the 2-sigma clause; the d clause, which almost never binds, is exact for
    one idea on equal arms and for any number of ideas at rho = 0.

    Raises:
        ValueError: n or n_baseline under two, m under one, or rho outside (-1, 1).
    """
    nb = n if n_baseline is None else n_baseline
    if n < 2 or nb < 2 or m < 1 or not -1.0 < rho < 1.0:
        raise ValueError(
            f"n={n}, n_baseline={nb}, m={m}, rho={rho}: choose n and n_baseline >= 2, m >= 1 and "
            "rho between -1 and 1"
        )
    # y: mean of the shared baseline seeds minus the mean of the extra ones. It enters both the
    # baseline's sd and the improvement, so it is integrated over; without extra seeds there is none.
    tie = rho * math.sqrt(max(0.0, 1.0 / n - 1.0 / nb))
    explained = 2.0 * rho / max(n, nb) + tie**2
    total = 1.0 / n + 1.0 / nb - explained
    common = 0.0 if m == 1 else max(0.0, 1.0 / nb + rho / n - explained)
    clause = {"n": n, "nb": nb, "rho": rho, "d_min": d_min}
    if not tie:
        s, s_weights = _sd_nodes(nb - 1, effect=effect, total=total, k=k)
        return float(s_weights @ _any_passes(s, effect, total, common, m=m, k=k, clause=clause))
    rate = 0.0
    for y, y_weight in zip(*normal_nodes(32), strict=True):
        gain = effect - tie * float(y)
        if nb == 2:
            s, s_weights = np.abs(y) * np.ones(1), np.ones(1)
        else:
            rest, s_weights = chi_scale_nodes(nb - 2, count=64)
            s = np.sqrt((y**2 + (nb - 2) * rest**2) / (nb - 1))
        passes = _any_passes(s, gain, total, common, m=m, k=k, clause=clause)
        rate += float(y_weight * (s_weights @ passes))
    return rate


def _sd_nodes(df: int, *, effect: float, total: float, k: float) -> tuple[Array, Array]:
    """Nodes of s where the threshold k s is within reach of D."""
    highest = max(0.0, effect + REACH * math.sqrt(total)) / max(k, 1e-9)
    return chi_scale_nodes(df, count=64, highest=highest)


def _any_passes(
    s: Array,
    effect: float,
    total: float,
    common: float,
    *,
    m: int,
    k: float,
    clause: dict[str, float],
) -> Array:
    """P(any of m ideas passes | s) [s]; D has variance `total`, of which ideas share `common`."""
    own_sd = math.sqrt(total - common)
    nodes, weights = legendre(48)
    width = np.maximum(0.0, effect + REACH * math.sqrt(total) - k * s)
    gain = k * s[:, None] + width[:, None] * nodes  # [s, D]
    mass = width[:, None] * weights * _d_clause(gain, s, **clause)
    z, z_weights = normal_nodes(64) if m > 1 else (np.zeros(1), np.ones(1))
    standard = (gain[:, :, None] - effect - math.sqrt(common) * z) / own_sd  # [s, D, z]
    density = np.exp(-(standard**2) / 2.0) / (own_sd * math.sqrt(2.0 * math.pi))
    passes = np.clip(np.einsum("sd,sdz->sz", mass, density), 0.0, 1.0)
    with np.errstate(divide="ignore"):  # log(1 - 1): that z passes for certain
        return np.asarray(-np.expm1(m * np.log1p(-passes)) @ z_weights, dtype=float)


def _d_clause(gain: Array, s: Array, *, n: float, nb: float, rho: float, d_min: float) -> Array:
    """P(Cohen's d >= d_min | D, s) [s, D]: the idea's variance must leave the pooled sd small.

    Given the baseline's variance the idea's is a noncentral chi-square: the same seeds tie them.
    """
    if d_min <= 0.0:
        return np.ones_like(gain)
    variance = s[:, None] ** 2
    room = (nb + n - 2) * (gain / d_min) ** 2 - (nb - 1) * variance
    left = 1.0 - rho**2
    noncentrality = rho**2 * (n - 1) * variance / left
    return np.asarray(chndtr(np.maximum(room, 0.0) / left, n - 1, noncentrality), dtype=float)
