"""Compare ideas with their baseline: one alone, or a campaign with one noise and one family."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

from audition.stats.arms import Arm, Losses, read_arm, shared_seeds
from audition.stats.comparison import Comparison, Tier
from audition.stats.design import Wanted, choose_design, has_extra_baseline_seeds
from audition.stats.distributions import require_probability
from audition.stats.measure import measure
from audition.stats.multiplicity import benjamini_hochberg, dunnett_tail, holm
from audition.stats.noise import Method, NoiseModel, estimate_noise
from audition.stats.ranks import mann_whitney
from audition.stats.seed_rule import seed_rule
from audition.stats.verdict import judge, require_sesoi, settle_without_testing

Adjustment = Literal["dunnett", "holm", "bh", "none"]
ADJUSTMENTS: tuple[Adjustment, ...] = get_args(Adjustment)


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
    require_sesoi(sesoi)
    if family_size < 1:
        raise ValueError(f"family_size={family_size} must count at least this idea")
    first, second = read_arm(baseline, name="baseline"), read_arm(idea, name=name)
    settled = settle_without_testing(first, second)
    if settled is not None and (first.diverged or second.diverged or not (first.n and second.n)):
        measured = _untested(first, second, name=name, family_size=family_size, level=level)
    else:
        measured = measure(
            choose_design(first, second, noise=noise, wanted=design),
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


def compare_campaign(
    baseline: Losses | Arm,
    ideas: Mapping[str, Losses | Arm],
    *,
    adjust: Adjustment = "dunnett",
    method: Method | Literal["auto"] = "auto",
    noise: NoiseModel | None = None,
    sesoi: float | None = None,
    alpha: float = 0.05,
    level: float = 0.95,
    tier: Tier = "screened",
    family_size: int | None = None,
    detail: bool = True,
) -> list[Comparison]:
    """Every idea (name -> seed -> loss) against the baseline, in the given order.

    Noise comes from all arms together (`method`, or a ready `noise`): the block where three arms
    ran the same seeds, pooled and unpaired where the baseline has two extra seeds or more.
    `family_size` counts every idea ever compared with this baseline, the dropped, crashed and
    unreported ones too; it defaults to the ideas given. A diverged idea stays in the family.

    dunnett needs a common noise model and becomes holm, with a warning, where there is none; bh is
    for screening, as it lets a share of the finds be false; none leaves p as it is.

    Raises:
        ValueError: no idea, an unknown adjust or method, a family smaller than the ideas, and
            whatever `compare` raises.
    """
    if adjust not in ADJUSTMENTS:
        raise ValueError(f"adjust={adjust!r} is unknown; choose {', '.join(ADJUSTMENTS)}")
    if not ideas:
        raise ValueError("fewer than two arms: give the baseline and at least one idea")
    family = len(ideas) if family_size is None else family_size
    if family < len(ideas):
        raise ValueError(f"family_size={family} is smaller than the {len(ideas)} ideas in it")
    first = read_arm(baseline, name="baseline")
    arms = {name: read_arm(losses, name=name) for name, losses in ideas.items()}
    shared_noise = noise if noise is not None else _shared_noise(first, arms, method)
    comparisons = [
        compare(
            first,
            arm,
            noise=shared_noise,
            sesoi=sesoi,
            alpha=alpha,
            level=level,
            name=name,
            tier=tier,
            family_size=family,
            detail=detail,
        )
        for name, arm in arms.items()
    ]
    common = shared_noise is not None and shared_noise.method != "own"
    if adjust == "dunnett" and family > 1 and not common:
        adjust = "holm"
        comparisons = [
            _warned(c, "No common noise model, so Holm replaces Dunnett.") for c in comparisons
        ]
    adjusted = _adjusted(comparisons, adjust=adjust, family=family)
    return [
        _with_family(c, p, adjust=adjust, alpha=alpha, noise=shared_noise)
        for c, p in zip(comparisons, adjusted, strict=True)
    ]


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


def campaign_noise(
    baseline: Losses | Arm,
    ideas: Mapping[str, Losses | Arm],
    method: Method | Literal["auto"] = "auto",
) -> NoiseModel:
    """The noise of a campaign: pooled and unpaired where the baseline has extra seeds for most ideas.

    Raises ValueError as `estimate_noise` does.
    """
    first, arms = read_arm(baseline), {name: read_arm(losses) for name, losses in ideas.items()}
    extra = sum(has_extra_baseline_seeds(first, arm) for arm in arms.values())
    if method == "auto" and 2 * extra > len(arms):
        pooled = estimate_noise({"baseline": first, **arms}, method="pooled")
        return replace(pooled, choice="pooled: the baseline has extra seeds, which help unpaired")
    return estimate_noise({"baseline": first, **arms}, method=method)


def _shared_noise(
    baseline: Arm, ideas: Mapping[str, Arm], method: Method | Literal["auto"]
) -> NoiseModel | None:
    """The campaign's noise; None where the ideas must each stand on their own."""
    model = campaign_noise(baseline, ideas, method)
    # A diverged baseline or motionless arms leave nothing to share: `compare` names the fault.
    return None if math.isnan(model.sd) or model.method == "own" else model


def _adjusted(
    comparisons: Sequence[Comparison], *, adjust: Adjustment, family: int
) -> Sequence[float]:
    # A comparison without p (diverged, one seed) was tried all the same: it counts as p = 1.
    p = [1.0 if math.isnan(c.p) else c.p for c in comparisons]
    if adjust == "holm":
        return holm(p, family_size=family)
    if adjust == "bh":
        return benjamini_hochberg(p, family_size=family)
    if adjust == "dunnett":
        return [_dunnett_p(c, family) for c in comparisons]
    return p


def _dunnett_p(c: Comparison, family: int) -> float:
    if math.isnan(c.p) or not c.standard_error > 0:
        return math.nan
    correlation = c.n / (c.n + c.n_baseline)
    t = c.improvement / c.standard_error
    return dunnett_tail(t, m=family, df=c.df, correlation=correlation)


def _with_family(
    c: Comparison, p: float, *, adjust: Adjustment, alpha: float, noise: NoiseModel | None
) -> Comparison:
    c = replace(c, adjustment=adjust, p_adjusted=math.nan if math.isnan(c.p) else p)
    if noise is not None and c.idea in noise.outlier_arms:
        c = _warned(c, "This idea's spread across seeds is unlike the other arms' (F test).")
    if noise is not None and "baseline" in noise.outlier_arms:
        c = _warned(c, "The baseline's spread across seeds is unlike the other arms' (F test).")
    settled = c.verdict == "invalid" or c.kind == "unstable"
    return c if settled else judge(c, alpha=alpha)


def _warned(c: Comparison, sentence: str) -> Comparison:
    return replace(c, warnings=(*c.warnings, sentence))
