"""Gauss-Legendre nodes and weights for the two densities every critical value here is made of."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Array: TypeAlias = NDArray[np.float64]

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
