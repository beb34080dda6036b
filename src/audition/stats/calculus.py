"""Integrals and roots: all that a verdict needs of numerical analysis, without scipy.optimize."""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Array = NDArray[np.float64]

REACH = 9.0
"""Standard deviations kept on either side: what is cut off weighs less than 1e-18."""


@lru_cache(maxsize=8)
def legendre(count: int) -> tuple[Array, Array]:
    """Nodes and weights [count] on [0, 1]; exact for polynomials of degree 2 count - 1."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1.0) / 2.0, weights / 2.0


@lru_cache(maxsize=256)
def normal_nodes(count: int = 96, *, lowest: float = -REACH) -> tuple[Array, Array]:
    """Nodes z [count] and probability weights [count] of the standard normal above `lowest`."""
    low = min(max(lowest, -REACH), REACH)
    nodes, weights = legendre(count)
    z = low + (REACH - low) * nodes
    return z, (REACH - low) * weights * np.exp(-(z**2) / 2.0) / math.sqrt(2.0 * math.pi)


@lru_cache(maxsize=256)
def chi_scale_nodes(
    df: float, *, count: int = 96, highest: float = math.inf
) -> tuple[Array, Array]:
    """Nodes s [count] and weights [count] of s = sqrt(chi2(df) / df), a sample sd over its sigma.

    `highest` cuts the range where the caller knows that nothing happens above it. Infinite df
    (a known sigma) is the single node s = 1.
    """
    if math.isinf(df):
        return np.ones(1), np.ones(1)
    spread = REACH / math.sqrt(2.0 * df)
    low, high = max(0.0, 1.0 - spread), min(1.0 + spread, highest)
    nodes, weights = legendre(count)
    width = max(0.0, high - low)
    # A small df that is not whole gives the density a root at s = 0 that costs six digits, unless
    # the nodes crowd there.
    crowding = 2 if df < 8 and df != round(df) else 1
    s = low + width * nodes**crowding
    log_constant = math.log(2.0) + df / 2.0 * math.log(df / 2.0) - float(gammaln(df / 2.0))
    # In logarithms: the constant and the power overflow at large df, their product does not.
    with np.errstate(divide="ignore"):
        density = np.exp(log_constant - df * s**2 / 2.0 + (df - 1.0) * np.log(s))
    return s, crowding * width * nodes ** (crowding - 1) * weights * density


def bracket(
    function: Callable[[float], float], *, start: float, step: float
) -> tuple[float, float]:
    """Widen [start - step, start + step] until an increasing `function` changes sign inside it.

    Raises:
        ValueError: no sign change within a factor 2**60 of the first step.
    """
    low, high = start - step, start + step
    for _ in range(60):
        if function(low) <= 0.0 <= function(high):
            return low, high
        if function(low) > 0.0:
            low, high = low - 2 * (high - low), low
        else:
            low, high = high, high + 2 * (high - low)
    raise ValueError(f"no sign change found around {start}")


def find_root(function: Callable[[float], float], *, low: float, high: float) -> float:
    """The root of `function` in [low, high], to a few units in the last place.

    Source: Chandrupatla (1997), Adv. Eng. Software 28, 145: inverse quadratic steps where they are
    safe and bisection elsewhere.

    Raises:
        ValueError: the function has one sign on both ends.
    """
    a, b, f_a, f_b = high, low, function(high), function(low)
    c, f_c = a, f_a
    if f_a * f_b > 0:
        raise ValueError(f"no root between {low} and {high}")
    t = 0.5
    for _ in range(200):
        x = a + t * (b - a)
        f_x = function(x)
        if math.copysign(1.0, f_x) == math.copysign(1.0, f_a):
            c, f_c = a, f_a
        else:
            c, f_c, b, f_b = b, f_b, a, f_a
        a, f_a = x, f_x
        best, f_best = (a, f_a) if abs(f_a) < abs(f_b) else (b, f_b)
        tolerance = 2.0**-51 * abs(best) + 1e-300
        share = tolerance / abs(b - a) if b != a else 1.0
        if share > 0.5 or f_best == 0.0:
            return best
        xi, phi = (a - b) / (c - b), (f_a - f_b) / (f_c - f_b)
        if phi**2 < xi and (1 - phi) ** 2 < 1 - xi:
            t = f_a / (f_b - f_a) * f_c / (f_b - f_c)
            t += (c - a) / (b - a) * f_a / (f_c - f_a) * f_b / (f_c - f_b)
        else:
            t = 0.5
        t = min(1 - share, max(share, t))
    return best
