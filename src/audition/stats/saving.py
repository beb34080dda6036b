"""How many times less an arm takes of a cost, and what loss does not count: the halves of a claim."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from audition.stats.arms import Seed
from audition.stats.distributions import noncentral_t_tail, t_quantile, t_tail
from audition.stats.moments import ROUNDING, mean
from audition.stats.t_tests import UNDEFINED, paired_t, welch_t

ALPHA = 0.025
"""One-sided error of either half."""
SHARE = 0.005
"""Most of the baseline's level that δ may be where it is not given: noise buys no wide margin."""
Interval = tuple[float, float]


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` seeds, its standard error and degrees of freedom; error 0 where it is exact."""

    value: float
    error: float
    df: float
    n: int

    def interval(self, alpha: float = ALPHA) -> Interval:
        """With a chance of error `alpha` on either side; not-a-number where the error is."""
        if self.error == 0.0:
            return self.value, self.value
        half = t_quantile(1.0 - alpha, self.df) * self.error
        return self.value - half, self.value + half

    def p_above(self, bar: float) -> float:
        """One-sided p of "it is `bar` or less"; 1 where there is no error to tell by."""
        if self.error == 0.0:
            return 0.0 if self.value > bar else 1.0
        p = t_tail((self.value - bar) / self.error, self.df)
        return 1.0 if math.isnan(p) else p

    def power(self, distance: float, n: int, alpha: float) -> float:
        """Chance that `n` seeds show it above a bar that it truly exceeds by `distance`."""
        if self.error == 0.0:
            return 1.0 if distance > 0.0 else 0.0
        if n < 2 or math.isnan(self.error):
            return 0.0
        # Noise that was borrowed from other arms keeps the degrees of freedom that it came with.
        df = max(n - 1.0, self.df if self.df > self.n - 1 else 0.0)
        ahead = distance * math.sqrt(n / self.n) / self.error
        return noncentral_t_tail(t_quantile(1.0 - alpha, df), df, ahead)


LOST = Estimate(-math.inf, 0.0, math.inf, 0)
"""The gain of an arm that diverged."""
UNKNOWN = Estimate(math.nan, math.nan, math.nan, 0)


def saving(
    baseline: Mapping[Seed, float], idea: Mapping[Seed, float], *, counted: bool = False
) -> Estimate:
    """The logarithm of how many times less the idea takes, over seeds.

    Paired over shared seeds (two or more), Welch's otherwise. Logarithms, since a ratio of means
    (Fieller) has no finite interval in 22 % of cases at a CV of .3 and three seeds.

    counted: whether the cost has no error of measurement; then what is the same on all seeds is
    taken as it is, from one seed on.

    Raises:
        ValueError: an arm without any cost, or one that is not positive and finite.
    """
    for name, arm in (("baseline", baseline), ("idea", idea)):
        if not arm:
            raise ValueError(f"the {name} has no cost")
        for seed, cost in arm.items():
            if not (cost > 0 and math.isfinite(cost)):
                raise ValueError(f"a cost of {cost} of the {name}'s seed {seed} is not above 0")
    shared = [seed for seed in baseline if seed in idea]
    paired = len(shared) >= (1 if counted else 2)
    before, after = (
        {seed: math.log(arm[seed]) for seed in (shared if paired else arm)}
        for arm in (baseline, idea)
    )
    n = min(len(before), len(after))
    gain = mean(tuple(before.values())) - mean(tuple(after.values()))
    varying = [{s: before[s] - after[s] for s in shared}] if paired else [before, after]
    if counted and all(max(x.values()) - min(x.values()) <= ROUNDING for x in varying):
        return Estimate(gain, 0.0, math.inf, n)
    test = UNDEFINED if n < 2 else (paired_t if paired else welch_t)(before, after)
    return Estimate(gain, test.standard_error, test.df, n)


def planned_delta(spread: float, level: float) -> float:
    """δ where none was given: the smaller of a seed's sd and .5 % of the baseline's level.

    spread: the pooled sd of seeds, in loss units; not-a-number where one seed leaves it unknown.
    """
    share = SHARE * abs(level)
    return min(spread, share) if spread > 0 else share
