"""The idea card's rule, "better by more than two baseline sigmas", and what passing it is worth."""

import math
from dataclasses import dataclass

import numpy as np

from audition.stats.arms import Arm, Losses, read_arm
from audition.stats.effect_sizes import cohens_d, standardised
from audition.stats.moments import Booleans, Moments, pooled_sd
from audition.stats.pass_rate import seed_rule_false_pass_rate


@dataclass(frozen=True)
class SeedRule:
    """The rule's answer and its own error rates.

    `passed` is None where the rule is undefined (one seed, or a baseline without any spread) and
    False where the idea diverged. `threshold` and `improvement` are in loss units, `d` is Cohen's.
    `false_pass_rate` is the chance that an idea which does nothing passes, with these numbers of
    seeds and this `rho`; `family_false_pass_rate`, that any of `family_size` such ideas does.
    """

    text: str
    passed: bool | None
    passed_2sigma: bool | None
    passed_d: bool | None
    improvement: float
    threshold: float
    d: float
    false_pass_rate: float
    family_false_pass_rate: float
    family_size: int
    n: int
    n_baseline: int
    rho: float


def rule_clauses(
    baseline: Moments, idea: Moments, *, k: float = 2.0, d_min: float = 0.5
) -> tuple[Booleans, Booleans]:
    """Whether the improvement exceeds k baseline sds, and whether Cohen's d reaches d_min [...].

    Both are False where the baseline does not vary.
    """
    gain = baseline.mean - idea.mean
    d = standardised(gain, pooled_sd(baseline, idea), baseline, idea)
    varies = baseline.varies
    return np.asarray(varies & (gain > k * baseline.sd)), np.asarray(varies & (d >= d_min))


def seed_rule(
    baseline: Losses | Arm,
    idea: Losses | Arm,
    *,
    k: float = 2.0,
    d_min: float = 0.5,
    family_size: int = 1,
    rho: float = 0.0,
) -> SeedRule:
    """Apply the card's rule verbatim: D > k s_baseline and Cohen's d >= d_min.

    `rho` (correlation of one seed's two losses) enters the error rates only. It defaults to 0, the
    cautious end: three seeds cannot measure it, and a high guess makes any rule look safe.

    Raises:
        ValueError: a family under one, rho outside (-1, 1), a diverged baseline, a repeated seed.
    """
    first, second = read_arm(baseline, name="baseline"), read_arm(idea, name="idea")
    if first.diverged:
        raise ValueError(f"baseline: {first.diverged} of {first.n} runs diverged; no rule applies")
    threshold = k * first.sd
    improvement = d = math.nan
    passed_2sigma: bool | None = None
    passed_d: bool | None = None
    if second.diverged:
        passed_2sigma = passed_d = False
    else:
        improvement, d = first.mean - second.mean, cohens_d(first, second)
        if second.n > 1 and first.varies:
            clauses = rule_clauses(first.moments, second.moments, k=k, d_min=d_min)
            passed_2sigma, passed_d = (bool(clause) for clause in clauses)
    alone = family = math.nan
    if first.n > 1 and second.n > 1:
        alone, family = (
            seed_rule_false_pass_rate(second.n, rho, m, first.n, k=k, d_min=d_min)
            for m in (1, family_size)
        )
    return SeedRule(
        text=f"improvement > {k:g} x sd of the baseline and Cohen's d >= {d_min:g}",
        passed=None if passed_2sigma is None else bool(passed_2sigma and passed_d),
        passed_2sigma=passed_2sigma,
        passed_d=passed_d,
        improvement=improvement,
        threshold=threshold,
        d=d,
        false_pass_rate=alone,
        family_false_pass_rate=family,
        family_size=family_size,
        n=second.n,
        n_baseline=first.n,
        rho=rho,
    )
