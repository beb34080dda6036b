"""Every number of one comparison: estimate, tests, effect sizes and power; no verdict yet."""

import math
from dataclasses import dataclass
from typing import Any

from audition.stats.arms import Arm, paired_differences, shared_seeds
from audition.stats.comparison import Comparison, Interval, Tier
from audition.stats.design import Design
from audition.stats.distributions import Sides, side_of, t_quantile
from audition.stats.effect_sizes import (
    cohens_d,
    cohens_dav,
    cohens_dz,
    d_ci,
    dav_ci,
    dz_ci,
    glass_delta,
    glass_delta_ci,
    hedges_correction,
)
from audition.stats.estimates import Estimate
from audition.stats.moments import pooled_sd, sd
from audition.stats.multiplicity import family_critical_value, family_tail
from audition.stats.noise import NoiseModel, estimate_noise
from audition.stats.power import minimal_detectable_effect, seeds_to_settle
from audition.stats.ranks import mann_whitney, mann_whitney_floor, signflip_floor
from audition.stats.seed_rule import seed_rule
from audition.stats.t_tests import UNDEFINED, TTest, paired_t, pooled_t, welch_t

CHECK = "; check that the seeds reach the runs"
COARSE = ", each of which trained other weights: the measure is too coarse to show their noise"
HIGHEST_RHO = 0.99
"""A correlation estimated from a few seeds is capped here: beyond it the rule's rates are noise."""


@dataclass(frozen=True)
class Terms:
    """What ideas are judged by; `adjusted_for` is the family that the interval is adjusted for."""

    sesoi: float | None
    alpha: float
    sides: Sides
    tier: Tier
    family_size: int
    adjusted_for: int
    detail: bool

    @property
    def level(self) -> float:
        """Of the interval that decides, two-sided."""
        return 1.0 - 2.0 * side_of(self.alpha, self.sides)


def measure(
    design: Design,
    *,
    name: str,
    noise: NoiseModel | None,
    terms: Terms,
    estimate: Estimate | None = None,
) -> Comparison:
    """The numbers of a design whose runs all finished; NaN for whatever one seed cannot tell.

    The error is the campaign's `estimate` of this idea where there is one; else that of `noise`
    where the design is block, moderated or pooled, and the two arms' own otherwise.
    """
    baseline, idea = design.baseline, design.idea
    borrowed = noise if noise is not None and noise.method != "own" else None
    warnings = list(design.warnings)
    differences = paired_differences(baseline, idea) if shared_seeds(baseline, idea) else ()
    paired = paired_t(baseline, idea) if differences else UNDEFINED
    # All same-seed differences are equal up to rounding, though the arms themselves vary.
    shifted = len(differences) > 1 and paired is UNDEFINED
    if shifted:
        check = "" if baseline.told_apart and idea.told_apart else CHECK
        warnings.append(
            "Every shared seed differs by the same amount up to rounding, so the paired test and "
            f"d_z are undefined{check}."
        )
    for what, arm in (("baseline", baseline), ("idea", idea)):
        if arm.n > 1 and not arm.varies:
            why = COARSE if arm.told_apart else CHECK
            warnings.append(f"The {what}'s result is the same on every seed{why}.")
    if estimate is not None:
        test, correlation = estimate.test, estimate.correlation
    else:
        test = _test(design, borrowed, paired, shifted=shifted)
        # One noise for all ideas: their improvements correlate through the baseline.
        for_all = borrowed is not None and design.name in ("block", "moderated", "pooled")
        correlation = idea.n / (idea.n + baseline.n) if for_all and idea.n else None
    side, family = side_of(terms.alpha, terms.sides), terms.adjusted_for
    half_width, p_adjusted = math.nan, math.nan
    if test.standard_error > 0:
        family_of = {"m": family, "df": test.df, "correlation": correlation}
        half_width = family_critical_value(side, **family_of) * test.standard_error  # type: ignore[arg-type]
        better = test.statistic if terms.sides == "one" else abs(test.statistic)
        p_adjusted = family_tail(better, **family_of)  # type: ignore[arg-type]
        p_adjusted = min(1.0, p_adjusted * (1.0 if terms.sides == "one" else 2.0))
    is_shared = borrowed is not None and (correlation is not None or idea.n < 2)
    local = borrowed if is_shared and borrowed else _own_noise(design, shifted=shifted)
    rho, rho_ci = _correlation(baseline, idea)
    if design.name == "paired" and not shifted:
        warnings += _weak_pairing(idea.n, local, rho)
    worthwhile = local.sd if terms.sesoi is None else terms.sesoi
    known = idea.n > 1 or borrowed is not None
    seen: dict[str, Any] = {"sides": terms.sides, "family_size": family}
    mde, needed = math.nan, None
    if known and worthwhile > 0:
        extra = {"n_baseline": baseline.n, "sesoi": worthwhile}
        mde = minimal_detectable_effect(idea.n, local, terms.alpha, **seen, **extra)
        needed = seeds_to_settle(worthwhile, local, terms.alpha, **seen)
    gain = baseline.mean - idea.mean if estimate is None else test.estimate
    how = "none" if family == 1 else "bonferroni" if correlation is None else "dunnett"
    return Comparison(
        idea=name,
        seeds=idea.seeds or (),
        n=idea.n,
        n_baseline=baseline.n,
        seed_rule=seed_rule(baseline, idea, family_size=terms.family_size, rho=_family_rho(noise)),
        design="pooled" if shifted and design.name == "paired" else design.name,
        improvement=gain,
        ci=(gain - half_width, gain + half_width),
        level=terms.level,
        standard_error=test.standard_error,
        df=test.df,
        p=test.p,
        p_adjusted=p_adjusted,
        adjustment=how,
        family_size=terms.family_size,
        p_floor=_p_floor(design),
        p_welch=welch_t(baseline, idea).p if terms.detail else math.nan,
        p_paired=paired.p if terms.detail else math.nan,
        p_mann_whitney=mann_whitney(baseline, idea).p if terms.detail else math.nan,
        baseline_mean=baseline.mean,
        idea_mean=idea.mean,
        sd_baseline=baseline.sd,
        sd_idea=idea.sd,
        **(
            _effect_sizes(baseline, idea, level=terms.level)
            if terms.detail
            else {"cohens_d": cohens_d(baseline, idea)}
        ),
        rho=rho,
        rho_ci=rho_ci,
        sesoi=worthwhile,
        mde=mde,
        seeds_needed=needed,
        wins=sum(difference > 0 for difference in differences),
        warnings=tuple(warnings),
        noise=local if known else None,
    )


def _test(design: Design, noise: NoiseModel | None, paired: TTest, *, shifted: bool) -> TTest:
    baseline, idea = design.baseline, design.idea
    if idea.n < 2:
        return UNDEFINED
    if design.name == "welch":
        return welch_t(baseline, idea)
    if noise is None or design.name == "paired":
        return pooled_t(baseline, idea) if shifted or design.name == "pooled" else paired
    improvement = baseline.mean - idea.mean
    if design.name == "moderated" and noise.prior is not None:
        own = sd(paired_differences(baseline, idea)) ** 2
        variance, df = noise.prior.shrink_variance(own, idea.n - 1)
        return TTest(improvement, math.sqrt(variance / idea.n), df)
    return TTest(improvement, noise.standard_error(idea.n, baseline.n), noise.df)


def _own_noise(design: Design, *, shifted: bool) -> NoiseModel:
    """The two arms' own noise, in the shape of the design, for the detectable effect."""
    arms = {"baseline": design.baseline, "idea": design.idea}
    spread = float(pooled_sd(design.baseline.moments, design.idea.moments))
    if design.name in ("paired", "mixed") and design.idea.n > 1 and not shifted:
        if all(arm.varies for arm in arms.values()):
            return estimate_noise(arms, method="own")
        # A motionless arm leaves no correlation: the difference varies as the other arm does.
        return NoiseModel(sd=spread, df=design.idea.n - 1, method="own", rho=0.0, paired=True)
    df = max(design.baseline.n + design.idea.n - 2, 0)
    return NoiseModel(sd=spread, df=df, method="own", choice="own: unpaired")


def _correlation(baseline: Arm, idea: Arm) -> tuple[float, Interval]:
    """Pearson's r of the shared seeds with its 95 % interval; all of (-1, 1) under four pairs.

    Source: Fisher's z.
    """
    seeds = shared_seeds(baseline, idea)
    if len(seeds) < 3:
        return math.nan, (math.nan, math.nan)
    first, second = baseline.restricted_to(seeds), idea.restricted_to(seeds)
    scale = first.sd * second.sd * (len(seeds) - 1)
    levels = first.mean, second.mean
    if not (first.varies and second.varies):
        return math.nan, (math.nan, math.nan)
    products = (
        (a - levels[0]) * (b - levels[1]) for a, b in zip(first.losses, second.losses, strict=True)
    )
    r = max(-1.0, min(1.0, math.fsum(products) / scale))
    if len(seeds) < 4 or abs(r) >= 1.0:
        return r, (-1.0, 1.0)
    half_width = t_quantile(0.975, math.inf) / math.sqrt(len(seeds) - 3)
    return r, (math.tanh(math.atanh(r) - half_width), math.tanh(math.atanh(r) + half_width))


def _weak_pairing(n: int, paired: NoiseModel, rho: float) -> list[str]:
    """A sentence where pairing costs more degrees of freedom than its correlation gives back."""
    if math.isnan(rho):
        return []
    unpaired = NoiseModel(sd=paired.sd, df=2 * n - 2, method="own")
    if minimal_detectable_effect(n, paired) <= minimal_detectable_effect(n, unpaired):
        return []
    return [
        f"The same seed hardly moves both arms alike (correlation {rho:.2f}), so pairing {n} seeds "
        "shows less here than Welch's test would; more arms in one sweep would share their noise."
    ]


def _family_rho(noise: NoiseModel | None) -> float:
    """The correlation for the rule's error rates: a campaign's, never that of a single pair."""
    if noise is None or noise.method == "own" or math.isnan(noise.rho):
        return 0.0
    return max(0.0, min(HIGHEST_RHO, noise.rho))


def _p_floor(design: Design) -> float:
    if design.idea.n < 2:
        return math.nan
    if design.is_paired:
        return signflip_floor(design.idea.n)
    return mann_whitney_floor(design.baseline.n, design.idea.n)


def _effect_sizes(baseline: Arm, idea: Arm, *, level: float) -> dict[str, Any]:
    d, delta = cohens_d(baseline, idea), glass_delta(baseline, idea)
    interval = d_ci(d, baseline.n, idea.n, level)
    j = hedges_correction(baseline.n + idea.n - 2)
    sizes: dict[str, Any] = {
        "cohens_d": d,
        "cohens_d_ci": interval,
        "hedges_g": j * d,
        "hedges_g_ci": (j * interval[0], j * interval[1]),
        "glass_delta": delta,
        "glass_delta_ci": glass_delta_ci(delta, baseline.n, idea.n, level),
        "cohens_dav": cohens_dav(baseline, idea),
    }
    seeds = shared_seeds(baseline, idea)
    if len(seeds) > 1:
        dz = cohens_dz(baseline, idea)
        sizes |= {"cohens_dz": dz, "cohens_dz_ci": dz_ci(dz, len(seeds), level)}
        if len(seeds) == baseline.n == idea.n:
            sizes["cohens_dav_ci"] = dav_ci(baseline, idea, level)
    return sizes
