"""t tests of the improvement: Welch, pooled, paired, and with a borrowed standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass

from audition.stats.arms import Arm, Losses, is_rounding, mean, paired_differences, read_arm, sd
from audition.stats.effect_sizes import pooled_sd
from audition.stats.noncentral_t import require_probability, t_quantile, t_tail


@dataclass(frozen=True)
class TTest:
    """One t test. `p` is one-sided, "the idea is better"; estimate, error and ci in loss units."""

    estimate: float
    standard_error: float
    df: float

    @property
    def statistic(self) -> float:
        """Estimate over standard error; NaN where there is no error to divide by."""
        return self.estimate / self.standard_error if self.standard_error > 0 else math.nan

    @property
    def p(self) -> float:
        """One-sided p, alternative: the idea is better."""
        return t_tail(self.statistic, self.df)

    @property
    def p_two_sided(self) -> float:
        """Two-sided p."""
        return 2.0 * t_tail(abs(self.statistic), self.df)

    def ci(self, level: float = 0.95) -> tuple[float, float]:
        """Two-sided interval of the improvement, in loss units.

        Raises:
            ValueError: `level` outside (0, 1).
        """
        require_probability(level, name="level")
        half_width = t_quantile(0.5 + level / 2.0, self.df) * self.standard_error
        return self.estimate - half_width, self.estimate + half_width


UNDEFINED = TTest(math.nan, math.nan, math.nan)
"""The test of arms too small or too equal to have a standard error."""


def welch_t(baseline: Losses | Arm, idea: Losses | Arm) -> TTest:
    """Welch's test for arms [n1], [n2] with their own variances; undefined under two seeds each.

    Source: Welch (1947) with Satterthwaite's degrees of freedom.

    Raises:
        ValueError: a seed occurs twice.
    """
    first, second = read_arm(baseline, name="baseline"), read_arm(idea, name="idea")
    if first.n < 2 or second.n < 2 or _no_spread(pooled_sd(first, second), first, second):
        return UNDEFINED
    a, b = first.sd**2 / first.n, second.sd**2 / second.n
    df = (a + b) ** 2 / (a**2 / (first.n - 1) + b**2 / (second.n - 1))
    return TTest(first.mean - second.mean, math.sqrt(a + b), df)


def pooled_t(baseline: Losses | Arm, idea: Losses | Arm) -> TTest:
    """Student's test for arms [n1], [n2] with one pooled variance, n1 + n2 - 2 df.

    Raises:
        ValueError: a seed occurs twice.
    """
    first, second = read_arm(baseline, name="baseline"), read_arm(idea, name="idea")
    spread = pooled_sd(first, second)
    if _no_spread(spread, first, second):
        return UNDEFINED
    error = spread * math.sqrt(1.0 / first.n + 1.0 / second.n)
    return TTest(first.mean - second.mean, error, first.n + second.n - 2)


def paired_t(baseline: Losses | Arm, idea: Losses | Arm) -> TTest:
    """Student's test on the same-seed differences, pairs - 1 df; undefined for a constant shift.

    scipy answers p = 0 for a constant shift: three equal differences are rounding, not proof.

    Raises:
        ValueError: the arms cannot be paired, or a run diverged.
    """
    first, second = read_arm(baseline, name="baseline"), read_arm(idea, name="idea")
    differences = paired_differences(first, second)
    spread = sd(differences)
    if _no_spread(spread, first, second):
        return UNDEFINED
    n = len(differences)
    return TTest(mean(differences), spread / math.sqrt(n), n - 1)


def _no_spread(spread: float, first: Arm, second: Arm) -> bool:
    return math.isnan(spread) or is_rounding(spread, losses=first.losses + second.losses)
