"""Compare one idea with its baseline."""

from __future__ import annotations

import math
from dataclasses import replace

from audition.stats.arms import Arm, Losses, read_arm, shared_seeds
from audition.stats.comparison import Comparison, Tier
from audition.stats.design import Wanted, choose_design
from audition.stats.measure import measure
from audition.stats.noise import NoiseModel
from audition.stats.noncentral_t import require_probability
from audition.stats.rank_and_sign import mann_whitney
from audition.stats.seed_rule import seed_rule
from audition.stats.verdict import judge, settle_without_testing


def compare(
    baseline: Losses | Arm,
    idea: Losses | Arm,
    *,
    noise: NoiseModel | None = None,
    sesoi: float | None = None,
    alpha: float = 0.05,
    level: float = 0.95,
    design: Wanted = "auto",
    name: str = "idea",
    tier: Tier = "screened",
    family_size: int = 1,
    detail: bool = True,
) -> Comparison:
    """One idea against its baseline, each seed -> loss; improvement > 0 = the idea is better.

    The design is the first that fits: the campaign's `noise` (block, moderated or pooled) ->
    two or more extra baseline seeds: pooled sd, unpaired -> two shared seeds: paired t -> Welch.
    So three shared seeds and two arms give a paired t with 2 degrees of freedom.

    `sesoi` is the smallest gain worth having, in loss units (default: one seed sd). `alpha` is the
    one-sided error of "supported"; `level` is the two-sided interval that refutes. `family_size`
    counts the ideas tried and enters the card's rule; `compare_campaign` also adjusts p for it.

    A NaN or infinite loss is a run that diverged, an outcome; `None` is a run without a result.

    Raises:
        ValueError: alpha or level outside (0, 1), a sesoi that is not positive, a family under one,
            an unknown design, or a seed that occurs twice.
    """
    require_probability(alpha, name="alpha")
    require_probability(level, name="level")
    if sesoi is not None and not (sesoi > 0 and math.isfinite(sesoi)):
        raise ValueError(f"sesoi={sesoi} must be a positive number of loss units")
    if family_size < 1:
        raise ValueError(f"family_size={family_size} must count at least this idea")
    first, second = read_arm(baseline, name="baseline"), read_arm(idea, name=name)
    settled = settle_without_testing(first, second)
    if settled is not None and (first.diverged or second.diverged or not (first.n and second.n)):
        measured = _untested(first, second, name=name, family_size=family_size, level=level)
    else:
        plan = choose_design(first, second, noise=noise, wanted=design)
        measured = measure(
            plan,
            name=name,
            noise=noise,
            sesoi=sesoi,
            alpha=alpha,
            level=level,
            family_size=family_size,
            detail=detail,
        )
    measured = replace(measured, tier=tier)
    if settled is None:
        return judge(measured, alpha=alpha)
    verdict, kind, reason = settled
    return replace(measured, verdict=verdict, kind=kind, reason=reason)


def _untested(baseline: Arm, idea: Arm, *, name: str, family_size: int, level: float) -> Comparison:
    """What can be said of arms with a diverged run or none: counts and ranks, never a mean."""
    seeds = shared_seeds(baseline, idea)
    first, second = baseline.by_seed, idea.by_seed
    comparable = baseline.n > 0 and idea.n > 0
    return Comparison(
        idea=name,
        seeds=idea.seeds or (),
        n=idea.n,
        n_baseline=baseline.n,
        seed_rule=None if baseline.diverged else seed_rule(baseline, idea, family_size=family_size),
        level=level,
        family_size=family_size,
        p_mann_whitney=mann_whitney(baseline, idea).p if comparable else math.nan,
        baseline_mean=math.nan if baseline.diverged else baseline.mean,
        sd_baseline=math.nan if baseline.diverged else baseline.sd,
        wins=sum(_beats(second[seed], first[seed]) for seed in seeds),
        diverged=idea.diverged,
    )


def _beats(idea: float, baseline: float) -> bool:
    """Whether the idea's run trained and the baseline's was worse or diverged."""
    return math.isfinite(idea) and (not math.isfinite(baseline) or idea < baseline)
