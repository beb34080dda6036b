"""Moderated variances: every arm's noisy variance is drawn towards the campaign's typical one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import polygamma, psi


@dataclass(frozen=True)
class VariancePrior:
    """What the whole campaign says of one variance: s0_squared (loss units squared) worth d0 df.

    `most_df` is the degrees of freedom of all ideas together: borrowing can give no more.
    """

    d0: float
    s0_squared: float
    most_df: float

    def moderate(self, variance: float, df: float) -> tuple[float, float]:
        """The posterior variance and its degrees of freedom, for one idea's own variance."""
        if math.isinf(self.d0):
            return self.s0_squared, self.most_df
        drawn = (self.d0 * self.s0_squared + df * variance) / (self.d0 + df)
        return drawn, min(self.d0 + df, self.most_df)


def fit_variance_prior(variances: Sequence[float], dfs: Sequence[float]) -> VariancePrior:
    """Empirical-Bayes prior from the variances [ideas] and their degrees of freedom [ideas].

    The ideas share a baseline, so their variances are not quite independent: `most_df` is then
    generous, and the block's residual df is the stricter choice.

    Source: Smyth (2004), SAGMB 3(1), 3; limma's fitFDist without covariate.

    Raises:
        ValueError: fewer than two variances, or one that is not positive.
    """
    if len(variances) < 2 or not all(variance > 0 for variance in variances):
        raise ValueError(f"moderation needs two positive variances or more, got {list(variances)}")
    s2, d = np.asarray(variances, dtype=float), np.asarray(dfs, dtype=float)
    e = np.log(s2) - psi(d / 2.0) + np.log(d / 2.0)
    excess = float(e.var(ddof=1) - polygamma(1, d / 2.0).mean())
    if excess <= 0.0:
        return VariancePrior(math.inf, float(s2.mean()), float(d.sum()))
    d0 = 2.0 * inverse_trigamma(excess)
    log_s0 = float(e.mean() + psi(d0 / 2.0) - np.log(d0 / 2.0))
    return VariancePrior(d0, math.exp(log_s0), float(d.sum()))


def inverse_trigamma(value: float) -> float:
    """The x > 0 whose trigamma is `value` > 0.

    Newton's method on 1/trigamma, which is nearly linear; source: Smyth (2004), appendix.
    """
    x = 0.5 + 1.0 / value
    for _ in range(50):
        trigamma = float(polygamma(1, x))
        step = trigamma * (1.0 - trigamma / value) / float(polygamma(2, x))
        x += step
        if abs(step) < 1e-14 * x:
            break
    return x
