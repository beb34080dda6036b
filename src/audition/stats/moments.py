"""Moments of losses: of one arm, or of one arm in each of thousands of trials at once."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audition.stats.calculus import Array

Booleans = NDArray[np.bool_]

ROUNDING = 64 * 2.0**-52
"""A spread below this fraction of the largest loss is rounding, not variation."""


@dataclass(frozen=True)
class Moments:
    """Of losses [..., n] in loss units: their number; mean, sd (ddof 1), largest size [...].

    Tests and rules are written once on these; a single comparison is an array of one trial.
    """

    n: int
    mean: Array
    sd: Array
    largest: Array

    @property
    def varies(self) -> Booleans:
        """Whether the losses differ by more than their rounding [...]; False under two runs."""
        return np.asarray(self.sd > ROUNDING * self.largest)


def moments(losses: Array) -> Moments:
    """The moments of each trial's losses [..., n]."""
    n = losses.shape[-1]
    largest = np.abs(losses).max(axis=-1)
    return Moments(n, losses.mean(axis=-1), losses.std(axis=-1, ddof=1), largest)


def pooled_sd(*arms: Moments) -> Array:
    """Square root of the (n-1)-weighted mean variance of arms [...]; NaN without a spread to use.

    An arm of one seed carries no information on the spread and adds no degree of freedom.
    """
    used = [arm for arm in arms if arm.n > 1]
    if not used:
        return np.asarray(math.nan)
    squares = sum((arm.n - 1) * arm.sd**2 for arm in used)
    return np.asarray(np.sqrt(squares / sum(arm.n - 1 for arm in used)))


def mean(values: Sequence[float]) -> float:
    """Exactly rounded arithmetic mean; NaN when empty."""
    return math.fsum(values) / len(values) if values else math.nan


def sd(values: Sequence[float]) -> float:
    """Sample sd, ddof = 1, NaN under two values.

    Two passes: the one-pass formula cancels when losses share a large offset.
    """
    if len(values) < 2:
        return math.nan
    centre = mean(values)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1))


def is_rounding(spread: float, *, losses: Iterable[float]) -> bool:
    """Whether `spread` (an sd, loss units) is no more than the rounding of these losses."""
    return spread <= ROUNDING * max((abs(loss) for loss in losses), default=0.0)
