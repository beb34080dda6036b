"""Interaction: whether two ideas together gain more, or less, than the two gain apart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from audition.stats.arms import Arm, Losses, Seed, read_arm, require_finite
from audition.stats.distributions import require_probability
from audition.stats.moments import is_rounding, mean, sd
from audition.stats.noise import NoiseModel
from audition.stats.t_tests import TTest

ARMS = ("baseline", "first idea", "second idea", "both ideas")


@dataclass(frozen=True)
class Interaction:
    """The contrast D_both - D_first - D_second with its interval, in loss units.

    Positive: together they gain more than the sum of the two (they help each other); negative:
    they get in each other's way. `p` is two-sided. `design` is "block" where the error is the
    campaign's, "own" where it is the spread of this contrast over the seeds.
    """

    contrast: float
    ci: tuple[float, float]
    level: float
    p: float
    standard_error: float
    df: float
    design: str
    first: float
    second: float
    both: float
    seeds: tuple[Seed, ...]

    @property
    def shows(self) -> bool:
        """Whether the interval excludes ideas that simply add up."""
        return self.ci[0] > 0.0 or self.ci[1] < 0.0


def interaction(
    baseline: Losses | Arm,
    first: Losses | Arm,
    second: Losses | Arm,
    both: Losses | Arm,
    *,
    noise: NoiseModel | None = None,
    level: float = 0.95,
) -> Interaction:
    """Contrast of four arms (seed -> loss) on the seeds they all ran.

    Seed by seed the contrast is first + second - baseline - both (losses). A campaign's paired
    `noise` gives its error, 2 residual sds over sqrt(n); without one the contrast's own sd does.
    NaN intervals where a single seed is shared.

    Raises:
        ValueError: no seed that all four share, a diverged run, or `level` outside (0, 1).
    """
    require_probability(level, name="level")
    arms = [
        read_arm(arm, name=n) for n, arm in zip(ARMS, (baseline, first, second, both), strict=True)
    ]
    seeds = tuple(s for s in arms[0].by_seed if all(s in arm.by_seed for arm in arms[1:]))
    if not seeds:
        raise ValueError("an interaction needs a seed that all four arms ran")
    arms = [arm.restricted_to(seeds) for arm in arms]
    for name, arm in zip(ARMS, arms, strict=True):
        require_finite(arm, name=name)
    contrasts = [
        a + b - none - ab for none, a, b, ab in zip(*(arm.losses for arm in arms), strict=True)
    ]
    test, design = _test(contrasts, arms, noise)
    gains = [arms[0].mean - arm.mean for arm in arms[1:]]
    return Interaction(
        contrast=mean(contrasts),
        ci=test.ci(level),
        level=level,
        p=test.p_two_sided,
        standard_error=test.standard_error,
        df=test.df,
        design=design,
        first=gains[0],
        second=gains[1],
        both=gains[2],
        seeds=seeds,
    )


def _test(
    contrasts: Sequence[float], arms: Sequence[Arm], noise: NoiseModel | None
) -> tuple[TTest, str]:
    n, estimate = len(contrasts), mean(contrasts)
    if noise is not None and noise.method == "block":
        # sd_difference is the sd of two residuals; the contrast is made of four.
        return TTest(estimate, math.sqrt(2.0 / n) * noise.sd_difference, noise.df), "block"
    spread = sd(contrasts)
    losses = [loss for arm in arms for loss in arm.losses]
    if n < 2 or is_rounding(spread, losses=losses):
        return TTest(estimate, math.nan, math.nan), "own"
    return TTest(estimate, spread / math.sqrt(n), n - 1), "own"
