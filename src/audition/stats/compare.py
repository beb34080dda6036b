"""Compare ideas with their baseline: one alone, or a campaign with one noise and one family."""

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Literal, get_args

from audition.stats.arms import Arm, Losses, read_arm, shared_seeds
from audition.stats.comparison import Comparison, Tier
from audition.stats.design import Design, Wanted, choose_design
from audition.stats.distributions import Sides, side_of
from audition.stats.estimates import Estimate, estimates
from audition.stats.measure import Terms, measure
from audition.stats.noise import Method, NoiseModel, estimate_noise
from audition.stats.ranks import mann_whitney
from audition.stats.seed_rule import seed_rule
from audition.stats.verdict import judge, require_sesoi, settle_without_testing

Adjustment = Literal["dunnett", "none"]
ADJUSTMENTS: tuple[Adjustment, ...] = get_args(Adjustment)


def compare(
    baseline: Losses | Arm,
    idea: Losses | Arm,
    *,
    noise: NoiseModel | None = None,
    sesoi: float | None = None,
    alpha: float = 0.05,
    sides: Sides = "two",
    design: Wanted = "auto",
    name: str = "idea",
    tier: Tier = "screened",
    family_size: int = 1,
    detail: bool = True,
) -> Comparison:
    """One idea against its baseline, each seed -> loss; improvement > 0 = the idea is better.

    The design is the first that fits: a given `noise` (block, moderated or pooled) -> two or more
    extra baseline seeds: mixed, which pairs the shared seeds and uses the others as far as the
    correlation allows -> two shared seeds: paired t -> Welch. So three shared seeds and two arms
    give a paired t with 2 degrees of freedom.

    `sesoi` is the smallest gain worth having, in loss units (default: one seed sd). `alpha` is the
    error of the interval that decides, shared by both directions (`sides="two"`) or spent on
    "better" alone ("one"). `family_size` counts the ideas tried: the interval is adjusted for it.

    A NaN or infinite loss is a run that diverged, an outcome; `None` is a run without a result.

    Raises:
        ValueError: an alpha that is no chance of error, unknown sides, a sesoi that is not
            positive, a family under one, an unknown design, or a seed that occurs twice.
    """
    first, second = read_arm(baseline, name="baseline"), read_arm(idea, name=name)
    together = {}
    if noise is None and design == "auto":
        together = estimates(first, {name: second})
    terms = Terms(sesoi, alpha, sides, tier, family_size, family_size, detail)
    return _compare(first, second, name, noise, design, terms, together.get(name))


def _compare(
    first: Arm,
    second: Arm,
    name: str,
    noise: NoiseModel | None,
    design: Wanted,
    terms: Terms,
    estimate: Estimate | None,
    of_campaign: NoiseModel | None = None,
) -> Comparison:
    side_of(terms.alpha, terms.sides)
    require_sesoi(terms.sesoi)
    if terms.family_size < 1:
        raise ValueError(f"family_size={terms.family_size} must count at least this idea")
    settled = settle_without_testing(first, second)
    if settled is not None and (first.diverged or second.diverged or not (first.n and second.n)):
        measured = _untested(first, second, name=name, terms=terms)
    else:
        chosen = (
            choose_design(first, second, noise=noise, wanted=design)
            if estimate is None
            else Design(estimate.design, estimate.baseline, estimate.idea, estimate.warnings)
        )
        measured = measure(
            chosen, name=name, noise=noise or of_campaign, terms=terms, estimate=estimate
        )
    measured = replace(measured, tier=terms.tier, alpha=terms.alpha, sides=terms.sides)
    if settled is None:
        return judge(measured)
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
    sides: Sides = "two",
    tier: Tier = "screened",
    family_size: int | None = None,
    detail: bool = True,
    only: Collection[str] | None = None,
) -> list[Comparison]:
    """Every idea (name -> seed -> loss) against the baseline, in the given order.

    `only`: the ideas whose comparisons are wanted; all of them make the noise and the family.

    Ideas on the same seeds have their errors estimated together, without taking the baseline or any
    of them to be as noisy as the rest (`spreads`); `method` or a ready `noise` takes one noise for
    all instead. `family_size` counts every idea ever compared with this baseline, the dropped,
    crashed and unreported ones too; it defaults to the ideas given.

    dunnett makes the intervals hold all at once, where errors are estimated together by Dunnett's
    test and else by Bonferroni's; none leaves them as they are.

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
    arms = tuple((name, read_arm(losses, name=name)) for name, losses in ideas.items())
    terms = Terms(sesoi, alpha, sides, tier, family, 1 if adjust == "none" else family, detail)
    wanted = None if only is None else frozenset(only)
    return list(_campaign(first, arms, method, noise, terms, wanted))


@lru_cache(maxsize=64)
def _campaign(
    first: Arm,
    ideas: tuple[tuple[str, Arm], ...],
    method: Method | Literal["auto"],
    noise: NoiseModel | None,
    terms: Terms,
    only: frozenset[str] | None,
) -> tuple[Comparison, ...]:
    """The comparisons of a campaign; one answer asks for those of a plan and of the ledger alike."""
    arms = dict(ideas)
    whole = noise if noise is not None else _shared_noise(first, arms, method)
    together = {} if noise is not None or method != "auto" else estimates(first, arms)
    given = None if noise is None and method == "auto" else whole
    return tuple(
        _with_outliers(
            _compare(first, arm, name, given, "auto", terms, together.get(name), whole), whole
        )
        for name, arm in arms.items()
        if only is None or name in only
    )


def _untested(baseline: Arm, idea: Arm, *, name: str, terms: Terms) -> Comparison:
    """What can be said of arms with a diverged run or none: counts and ranks, never a mean."""
    seeds = shared_seeds(baseline, idea)
    first, second = baseline.by_seed, idea.by_seed
    comparable = baseline.n > 0 and idea.n > 0
    return Comparison(
        idea=name,
        seeds=idea.seeds or (),
        n=idea.n,
        n_baseline=baseline.n,
        seed_rule=None
        if baseline.diverged
        else seed_rule(baseline, idea, family_size=terms.family_size),
        level=terms.level,
        family_size=terms.family_size,
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
    """The noise of a campaign, the baseline's first; raises ValueError as `estimate_noise` does."""
    return estimate_noise({"baseline": baseline, **ideas}, method=method)


def _shared_noise(
    baseline: Arm, ideas: Mapping[str, Arm], method: Method | Literal["auto"]
) -> NoiseModel | None:
    """The campaign's noise; None where the ideas must each stand on their own."""
    model = campaign_noise(baseline, ideas, method)
    # A diverged baseline or motionless arms leave nothing to share: `compare` names the fault.
    return None if math.isnan(model.sd) or model.method == "own" else model


def _with_outliers(c: Comparison, noise: NoiseModel | None) -> Comparison:
    outliers = () if noise is None else noise.outlier_arms
    said = [
        f"{who} spread across seeds is unlike the other arms' (F test)."
        for who, name in (("This idea's", c.idea), ("The baseline's", "baseline"))
        if name in outliers
    ]
    return replace(c, warnings=(*c.warnings, *said)) if said else c
