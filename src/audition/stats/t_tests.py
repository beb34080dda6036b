"""t tests of the improvement: Welch's, pooled and paired, or with a borrowed standard error."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from audition.stats.arms import Arm, Losses, paired_differences, read_arm
from audition.stats.calculus import Array
from audition.stats.distributions import require_probability, t_quantile, t_tail
from audition.stats.moments import ROUNDING, Moments, pooled_sd


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


def welch_error(baseline: Moments, idea: Moments) -> tuple[Array, Array]:
    """Standard error of the gain and its degrees of freedom [...]; NaN where nothing varies.

    Source: Welch (1947) with Satterthwaite's degrees of freedom.
    """
    a, b = baseline.sd**2 / baseline.n, idea.sd**2 / idea.n
    with np.errstate(invalid="ignore", divide="ignore"):
        df = (a + b) ** 2 / (a**2 / (baseline.n - 1) + b**2 / (idea.n - 1))
    return _defined(np.sqrt(a + b), df, pooled_sd(baseline, idea), baseline, idea)


def pooled_error(baseline: Moments, idea: Moments) -> tuple[Array, Array]:
    """The same with one pooled variance and n1 + n2 - 2 degrees of freedom (Student)."""
    spread = pooled_sd(baseline, idea)
    error = spread * math.sqrt(1.0 / baseline.n + 1.0 / idea.n)
    return _defined(error, float(baseline.n + idea.n - 2), spread, baseline, idea)


def paired_error(differences: Moments, baseline: Moments, idea: Moments) -> tuple[Array, Array]:
    """The same from same-seed differences, with pairs - 1; NaN for a constant shift.

    scipy answers p = 0 for a constant shift: three equal differences are rounding, not proof.
    """
    n, spread = differences.n, differences.sd
    return _defined(spread / math.sqrt(n), n - 1.0, spread, baseline, idea)


def welch_t(baseline: Losses | Arm, idea: Losses | Arm) -> TTest:
    """Welch's test for arms [n1], [n2] with their own variances; undefined under two seeds each.

    Raises:
        ValueError: a seed occurs twice.
    """
    return _unpaired(welch_error, baseline, idea)


def pooled_t(baseline: Losses | Arm, idea: Losses | Arm) -> TTest:
    """Student's test for arms [n1], [n2] with one pooled variance.

    Raises:
        ValueError: a seed occurs twice.
    """
    return _unpaired(pooled_error, baseline, idea)


def paired_t(baseline: Losses | Arm, idea: Losses | Arm) -> TTest:
    """Student's test on the same-seed differences.

    Raises:
        ValueError: the arms cannot be paired, or a run diverged.
    """
    differences = Arm(paired_differences(baseline, idea)).moments
    return _test(differences.mean, paired_error(differences, *_moments(baseline, idea)))


def _moments(baseline: Losses | Arm, idea: Losses | Arm) -> tuple[Moments, Moments]:
    return read_arm(baseline, name="baseline").moments, read_arm(idea, name="idea").moments


def _unpaired(
    error: Callable[[Moments, Moments], tuple[Array, Array]],
    baseline: Losses | Arm,
    idea: Losses | Arm,
) -> TTest:
    first, second = _moments(baseline, idea)
    if not first.n or not second.n:
        return UNDEFINED
    return _test(first.mean - second.mean, error(first, second))


def _test(estimate: Array, error: tuple[Array, Array]) -> TTest:
    return UNDEFINED if math.isnan(error[0]) else TTest(float(estimate), *map(float, error))


def _defined(
    error: Array, df: Array | float, spread: Array, baseline: Moments, idea: Moments
) -> tuple[Array, Array]:
    """Error and df, both NaN where the spread is no more than the rounding of the losses."""
    varies = spread > ROUNDING * np.maximum(baseline.largest, idea.largest)
    return np.where(varies, error, math.nan), np.where(varies, df, math.nan)
