"""Variances of many arms: which ones stand out, and shrinking each towards the typical one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import fdtr, fdtrc, polygamma, psi, stdtrit

from audition.stats.arms import Arm


@dataclass(frozen=True)
class VariancePrior:
    """What a campaign says of one arm's variance: s0_squared (loss units squared), worth d0 df.

    `most_df` is the degrees of freedom of all ideas together: borrowing can give no more.
    """

    d0: float
    s0_squared: float
    most_df: float

    def shrink_variance(self, variance: float, df: float) -> tuple[float, float]:
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


def outlier_arms(arms: Mapping[str, Arm], *, alpha: float = 0.05) -> tuple[str, ...]:
    """Arms whose variance is too large or too small beside the others', by a Bonferroni F test.

    The most extreme arm is set aside before the next is tested: left in, one wild arm would hide
    behind its own weight and make all the others look too quiet.
    """
    level, flagged = alpha / max(len(arms), 1), set()
    # Arm -> degrees of freedom and sum of squares.
    remaining = {
        name: (arm.n - 1, (arm.n - 1) * arm.sd**2) for name, arm in arms.items() if arm.n > 1
    }
    while len(remaining) > 1:
        df, squares = (math.fsum(part) for part in zip(*remaining.values(), strict=True))
        tails = {
            name: _variance_tail(own_df, own, df - own_df, squares - own)
            for name, (own_df, own) in remaining.items()
        }
        extreme = min(tails, key=tails.__getitem__)
        if tails[extreme] >= level:
            break
        flagged.add(extreme)
        del remaining[extreme]
    return tuple(name for name in arms if name in flagged)


def _variance_tail(df: float, squares: float, others_df: float, others_squares: float) -> float:
    """Two-sided p of one arm's variance against the pooled variance of the others."""
    if not others_squares > 0:
        return 1.0
    f = (squares / df) / (others_squares / others_df)
    return 2.0 * min(float(fdtr(df, others_df, f)), float(fdtrc(df, others_df, f)))


def variance_ratio(
    new: Sequence[float], old: Sequence[float], *, level: float = 0.95
) -> tuple[float, tuple[float, float]]:
    """Var(new) / Var(old) of the same n seeds, with its interval, exact for normal values.

    The variances are not independent: with r the correlation of both and k = 1 + 2 (1 - r^2) t^2 /
    (n - 2), the limits are the ratio times k -+ sqrt(k^2 - 1).

    Source: Pitman (1939) and Morgan (1939), Biometrika 31, 9 and 13.

    Raises:
        ValueError: not as many of both, or fewer than three.
    """
    if len(new) != len(old) or len(new) < 3:
        raise ValueError(f"{len(new)} and {len(old)} values are not three pairs or more")
    x, y = np.asarray(new, dtype=float), np.asarray(old, dtype=float)
    n, ratio = len(x), float(x.var(ddof=1) / y.var(ddof=1))
    squared = min(1.0, float(np.corrcoef(x, y)[0, 1]) ** 2)
    t = float(stdtrit(n - 2, 0.5 + level / 2.0))
    k = 1.0 + 2.0 * (1.0 - squared) * t**2 / (n - 2)
    wide = math.sqrt(max(0.0, k * k - 1.0))
    return ratio, (ratio * (k - wide), ratio * (k + wide))
