"""Shrinkage: what the best of many ideas is worth once its luck is taken off (winner's curse)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audition.stats.distributions import require_probability, t_quantile

FEWEST = 4
"""Ideas below which an estimated mean and spread cost more than shrinking gains (Efron & Morris)."""


@dataclass(frozen=True)
class Shrinkage:
    """Effects drawn towards their common mean. All tuples [ideas]; everything in loss units.

    `tau` is the sd of the true effects, `mean` their mean. `kept` is the share of an idea's distance
    from the mean that is believed: 0 where the ideas differ no more than noise does.
    """

    effects: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...]
    kept: tuple[float, ...]
    mean: float
    tau: float
    level: float


def shrink(
    effects: Sequence[float],
    standard_errors: Sequence[float],
    *,
    shared: float | Sequence[float] = 0.0,
    df: float = math.inf,
    level: float = 0.95,
) -> Shrinkage:
    """Empirical-Bayes effects of ideas, from estimates and standard errors [ideas] in loss units.

    True effects are taken for normal around an unknown mean. `shared` is the part of an estimate's
    variance that all ideas have in common: with one baseline it is n / (n + n_baseline). That part
    moves all of them together, so it tells nothing of their spread, cannot be shrunk away, and
    stays in every interval. `df` are the degrees of freedom of the standard errors.

    Source: DerSimonian & Laird (1986) for tau^2, floored at 0; Morris (1983), JASA 78, 47, for the
    interval, which counts that mean and tau are estimated.

    Raises:
        ValueError: under four ideas, a standard error that is not positive, an effect that is not
            finite, `shared` outside [0, 1), or `level` outside (0, 1).
    """
    require_probability(level, name="level")
    d, se = np.asarray(effects, dtype=float), np.asarray(standard_errors, dtype=float)
    part = np.broadcast_to(np.asarray(shared, dtype=float), d.shape)
    if len(d) < FEWEST or se.shape != d.shape:
        raise ValueError(
            f"shrinking needs {FEWEST} ideas or more, each with its error, got {len(d)}"
        )
    if not (np.isfinite(d).all() and np.isfinite(se).all() and (se > 0).all()):
        raise ValueError("shrinking needs finite effects and positive standard errors")
    if not ((part >= 0.0) & (part < 1.0)).all():
        raise ValueError(f"shared={shared} must be at least 0 and under 1")
    own, m = se**2 * (1.0 - part), len(d)
    weights = 1.0 / own
    centre = weights @ d / weights.sum()
    excess = weights @ (d - centre) ** 2 - (m - 1)
    tau2 = max(0.0, float(excess / (weights.sum() - (weights**2).sum() / weights.sum())))
    weights = 1.0 / (own + tau2)
    centre = float(weights @ d / weights.sum())
    drawn = own / (own + tau2)
    shrunken = d - drawn * (d - centre)
    variance = own * (1.0 - drawn) + drawn**2 / weights.sum()
    variance += 2.0 / max(1, m - 3) * drawn**2 * (d - centre) ** 2 * (tau2 > 0)
    half = t_quantile(0.5 + level / 2.0, df) * np.sqrt(variance + se**2 * part)
    return Shrinkage(
        effects=tuple(shrunken.tolist()),
        intervals=tuple(zip((shrunken - half).tolist(), (shrunken + half).tolist(), strict=True)),
        kept=tuple((1.0 - drawn).tolist()),
        mean=centre,
        tau=math.sqrt(tau2),
        level=level,
    )
