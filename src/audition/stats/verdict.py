"""The verdict: supported, refuted, inconclusive or invalid, and the sentence that says why."""

import math
from dataclasses import replace

from audition.stats.arms import Arm, shared_seeds
from audition.stats.comparison import Comparison, Expectation, Kind, Verdict, Weight


def settle_without_testing(baseline: Arm, idea: Arm) -> tuple[Verdict, Kind | None, str] | None:
    """The verdict of runs that no test should see, or None where a test is in order.

    In this order: a diverged baseline, an idea that changed nothing, seeds that were not applied, a
    diverged idea, too few seeds.
    """
    if not baseline.n or not idea.n:
        empty = "baseline" if not baseline.n else "idea"
        return "inconclusive", None, f"The {empty} has no finished run, so there is nothing to say."
    if baseline.diverged:
        return (
            "invalid",
            None,
            f"The baseline diverged on {baseline.diverged} of {baseline.n} seeds, so no gain over "
            "it can be measured.",
        )
    if _changed_nothing(baseline, idea):
        return (
            "invalid",
            None,
            "The idea's results are identical to the baseline's, so the idea probably changed "
            "nothing; check that its setting reaches the run.",
        )
    if baseline.alike:
        return (
            "invalid",
            None,
            f"The baseline's result is the same on all {baseline.n} seeds, so the seeds were not "
            "applied (or one result was cached) and any gain at all would look certain.",
        )
    if idea.diverged:
        return (
            "refuted",
            "unstable",
            f"Unstable: the idea diverged on {idea.diverged} of {idea.n} seeds where the baseline "
            "trained.",
        )
    return None


def require_sesoi(sesoi: float | None) -> None:
    """Stop on a smallest worthwhile gain that is not a positive number; None is the default.

    Raises:
        ValueError: naming the value.
    """
    if sesoi is not None and not (sesoi > 0 and math.isfinite(sesoi)):
        raise ValueError(f"sesoi={sesoi} is no gain that counts: it must be above 0")


def judge(comparison: Comparison) -> Comparison:
    """Add verdict, kind and reason to a measured comparison, from its interval and sesoi alone.

    supported: the interval lies above zero and improvement >= sesoi. refuted: it lies under sesoi:
    harmful if under 0, negligible if inside +-sesoi. inconclusive: the rest, with the seeds that
    would settle it. The sentence says "better" exactly where the interval lies above zero.

    "negligible" is equivalence by two one-sided t tests (TOST), each at (1 - level) / 2: both
    reject exactly where the interval lies inside +-sesoi. Source: Schuirmann (1987), J.
    Pharmacokinet. Biopharm. 15, 657.
    """
    c = comparison
    low, high = c.ci
    gain = f"{c.improvement:+.4g} ({interval_name(c)} {low:+.4g} to {high:+.4g})"
    worth = f"the smallest worthwhile gain of {c.sesoi:.4g}"
    kind: Kind | None = None
    verdict: Verdict = "inconclusive"
    if c.n < 2 or not low <= high:
        reason = f"{_only_improvement(c)} {_next_step(c)}"
    elif c.is_better and c.improvement >= c.sesoi:
        verdict = "supported"
        reason = (
            f"The idea is better by {gain}, at least {worth}, and seed noise alone seldom does "
            f"that ({_p(c)})."
        )
        if replace(c, verdict=verdict).is_screening:
            reason += f" {SCREENING}"
    elif high < c.sesoi:
        verdict = "refuted"
        if high < 0:
            kind = "harmful"
            reason = f"Harmful: the idea makes the result worse; its improvement is {gain}."
        elif low > -c.sesoi:
            kind = "negligible"
            less = (
                "The idea is better, but by less than what counts" if c.is_better else "Negligible"
            )
            reason = f"{less}: the improvement of {gain} is smaller than {worth}, either way."
        else:
            reason = (
                f"Not worthwhile: the improvement of {gain} stays under {worth}; whether the idea "
                "does harm remains open."
            )
    elif c.is_better:
        reason = (
            f"The idea is better, but whether by {worth} is open: its improvement is {gain} "
            f"({_p(c)}). {_next_step(c)}"
        )
    else:
        reason = (
            f"The improvement of {gain} neither clears zero nor excludes {worth} "
            f"({_p(c)}). {_next_step(c)}"
        )
    return replace(c, verdict=verdict, kind=kind, reason=reason)


def weighed(comparison: Comparison, expects: Expectation) -> Weight:
    """What a comparison says of a claim that was registered: its interval and sesoi decide.

    better: `for` where the idea is supported, `against` where it is refuted. worse: the mirror image,
    with a loss of `sesoi` in the place of a gain. equal: `for` where the interval lies within ±sesoi,
    `against` where better or worse is shown. `open` is the rest, and what is invalid.

    Examples:
        A claim that large batches do worse, and an interval that lies below zero:

        >>> from audition.stats.comparison import Comparison
        >>> found = Comparison("B=256", (1, 2), 2, 2, improvement=-0.3, ci=(-0.4, -0.2), sesoi=0.1)
        >>> weighed(found, "worse"), weighed(found, "better"), weighed(found, "equal")
        ('for', 'against', 'against')
    """
    c = comparison
    low, high = c.ci
    if c.verdict == "invalid" or not (low <= high or c.kind == "unstable"):
        return "open"
    better = c.is_better and c.improvement >= c.sesoi
    worse = c.kind == "unstable" or (high < 0 and c.improvement <= -c.sesoi)
    within = -c.sesoi < low and high < c.sesoi
    shown, denied = {
        "better": (better, c.kind == "unstable" or high < c.sesoi),
        "worse": (worse, low > -c.sesoi),
        "equal": (within, better or worse),
    }[expects]
    return "for" if shown else "against" if denied else "open"


SCREENING = "On so few seeds this is a screening result until fresh seeds confirm it."


def interval_name(c: Comparison) -> str:
    """`95 % interval`; `simultaneous 95 % interval` where it is adjusted for a family."""
    adjusted = c.family_size > 1 and c.adjustment != "none"
    return f"{'simultaneous ' if adjusted else ''}{100 * c.level:.4g} % interval"


def _changed_nothing(baseline: Arm, idea: Arm) -> bool:
    seeds = shared_seeds(baseline, idea)
    if seeds:
        baseline, idea = baseline.restricted_to(seeds), idea.restricted_to(seeds)
    trained = (*baseline.weights, *idea.weights)
    told = len(trained) == 2 * baseline.n and all(trained)
    same = baseline.losses == idea.losses
    return baseline.n > 1 and same and (not told or baseline.weights == idea.weights)


def _only_improvement(c: Comparison) -> str:
    if c.n < 2:
        return f"One seed gives an improvement of {c.improvement:+.4g} without an interval."
    return f"The improvement of {c.improvement:+.4g} has no standard error to judge it by."


def _next_step(c: Comparison) -> str:
    detectable = f"a gain of {c.mde:.4g} would be supported with power .8" if c.mde == c.mde else ""
    if c.seeds_needed is None:
        seeds = "Run two more seeds or more"
    elif c.seeds_needed > c.n:
        seeds = f"About {c.seeds_needed} seeds an arm would settle it"
    else:
        seeds = "The estimate sits at the edge of what is worthwhile: a few fresh seeds settle it"
    return f"{seeds}; with {c.n}, {detectable}." if detectable else f"{seeds}."


def _p(c: Comparison) -> str:
    """The adjusted p, with what it was adjusted for."""
    p = f"{c.sides}-sided p = {c.p_adjusted:.2g}"
    if c.family_size == 1:
        return p
    how = "not adjusted" if c.adjustment == "none" else f"adjusted by {c.adjustment}"
    return f"{p}, {how} for {c.family_size} ideas"
