"""A verdict in words, the answer first, then what it rests on: for the terminal and the page."""

from collections.abc import Iterator

from audition.answers import DEFAULT_TERMS, Judgement
from audition.answers.verdict import Verdict
from audition.report.savings import claimed
from audition.stats.verdict import interval_name
from audition.text import (
    UNDEFINED,
    bounds,
    capital,
    count,
    duration,
    gain,
    in_unit,
    interval,
    levels,
    number,
    plain_level,
    probability,
    signed,
)

Line = tuple[str, str]
"""A label and its text."""

DESIGNS = {
    "block": "the baseline's noise and that of all ideas, seed by seed (block)",
    "mixed": "differences on the same seed and the baseline's extra seeds (mixed)",
    "moderated": "each arm's noise drawn towards the others', seed by seed (moderated)",
    "pooled": "noise pooled over the arms, seeds not paired (pooled)",
    "paired": "differences on the same seed (paired t)",
    "welch": "seeds not paired (Welch's t)",
}
"""What an interval and a p value rest on."""


def headline(judgement: Judgement) -> str:
    """The answer in a sentence: the gain with its unit and its interval, and what counts as one."""
    c, how = judgement.comparison, judgement.measure
    if c.verdict == "invalid" or c.kind == "unstable" or c.improvement != c.improvement:
        return capital(c.reason.removeprefix("Unstable: "))
    gained = in_unit(gain(c.improvement, how), how)
    size = in_unit(plain_level(abs(c.improvement), how), how)
    if c.ci[0] != c.ci[0]:
        on = "One seed shows" if c.n == 1 else f"{c.n} seeds show"
        return f"{on} a gain of {gained}, without an interval."
    within = f"{interval_name(c)} {bounds(c.ci, how)}"
    counts = plain_level(c.sesoi, how)
    if c.verdict == "supported":
        said = f"It is better by {size} ({within}); a gain counts from {counts} on."
        return (
            f"{said} A screening result until fresh seeds confirm it." if c.is_screening else said
        )
    if c.kind == "harmful":
        lost = bounds((-c.ci[1], -c.ci[0]), how)
        return f"It is worse by {size} ({interval_name(c)} {lost})."
    if c.kind == "negligible":
        what = "is better by" if c.is_better else "changes the result by"
        return f"It {what} {gained} ({within}): less than the {counts} that counts."
    if c.verdict == "refuted":
        return (
            f"It gains {gained} ({within}), less than the {counts} that counts; whether it does harm "
            "is open."
        )
    if c.is_better:
        return f"It is better by {size} ({within}); whether by the {counts} that counts is open."
    return (
        f"The gain is {gained} ({within}): {count(c.n, 'seed')} cannot tell whether it reaches the "
        f"{counts} that counts."
    )


def lines(verdict: Verdict, *, every_size: bool = False) -> tuple[Line, ...]:
    """What the answer rests on and what it cost; `every_size` of the effect, each with its formula."""
    judgement = verdict.judgement
    return (
        *_measured(judgement),
        *what_counts(judgement),
        *claimed(judgement),
        *_tested(judgement),
        *(_effect_sizes(judgement) if every_size else _effect_size(judgement)),
        *_card_rule(judgement),
        ("evidence", _evidence(judgement)),
        *_cost(verdict),
    )


def _measured(judgement: Judgement) -> Iterator[Line]:
    c, how = judgement.comparison, judgement.measure
    diverged = f", {c.diverged} diverged" if c.diverged else ""
    yield (
        how.label,
        f"{levels(*judgement.levels, how)}; better on {c.wins} of {count(c.n, 'seed')}{diverged}",
    )
    for other in judgement.by_other_measures:
        yield (
            other.measure.label,
            f"{levels(other.baseline, other.idea, other.measure)}; gain "
            f"{gain(other.improvement, other.measure)} ({bounds(other.ci, other.measure)})",
        )


def what_counts(judgement: Judgement) -> Iterator[Line]:
    """What gain counts, and who says so."""
    c, how = judgement.comparison, judgement.measure
    if c.sesoi == c.sesoi:
        said = f"; {judgement.sesoi_from}" if judgement.sesoi_from else ""
        yield "what counts", f"a gain of {in_unit(plain_level(c.sesoi, how), how)} (δ*){said}"


def _tested(judgement: Judgement) -> Iterator[Line]:
    c, how = judgement.comparison, judgement.measure
    if c.p_adjusted == c.p_adjusted:
        family = (
            f", adjusted for the {c.family_size:,} ideas compared with this baseline "
            f"({c.adjustment.capitalize()}; one-sided and alone {probability(c.p)})"
            if c.family_size > 1
            else ""
        )
        said = {"two": "difference, either way (two-sided)", "one": "gain (one-sided)"}[c.sides]
        yield (
            "chance",
            f"p {equals(c.p_adjusted)} that seed noise alone brings such a {said}"
            f"{family}; from {DESIGNS.get(c.design, c.design)}",
        )
        tests = {"paired": c.p_paired, "welch": c.p_welch, "Mann–Whitney": c.p_mann_whitney}
        others = [
            f"{name.replace('welch', 'Welch')} {probability(p)}"
            for name, p in tests.items()
            if name != c.design and p == p
        ]
        if others:
            yield "other tests", f"one-sided p: {', '.join(others)}"
    if c.mde == c.mde:
        shown = in_unit(plain_level(c.mde, how), how)
        yield (
            "sensitivity",
            f"a true gain of {shown} would be supported on these seeds in .8 of cases",
        )


def _effect_size(judgement: Judgement) -> Iterator[Line]:
    c = judgement.comparison
    if c.cohens_d == c.cohens_d:
        correlation = "" if c.rho != c.rho else f"; same-seed correlation {signed(c.rho, 2)}"
        size = f"{signed(c.cohens_d, 2)} {interval(c.cohens_d_ci, 2)}"
        yield "effect size", f"Cohen's d {size}{correlation}"


def _effect_sizes(judgement: Judgement) -> Iterator[Line]:
    c = judgement.comparison
    for name, key, size, ci in (
        ("Cohen's d", "cohens_d", c.cohens_d, c.cohens_d_ci),
        ("Hedges' g", "hedges_g", c.hedges_g, c.hedges_g_ci),
        ("Glass's Δ", "glass_delta", c.glass_delta, c.glass_delta_ci),
        ("d_z", "cohens_dz", c.cohens_dz, c.cohens_dz_ci),
        ("d_av", "cohens_dav", c.cohens_dav, c.cohens_dav_ci),
    ):
        yield name, f"{signed(size, 2)} {interval(ci, 2)}; {c.formulae.get(key, '')}"
    yield "same-seed correlation", f"{signed(c.rho, 2)} {interval(c.rho_ci, 2)}"


def _card_rule(judgement: Judgement) -> Iterator[Line]:
    if (rule := judgement.comparison.seed_rule) is None:
        return
    bar, chance = plain_level(rule.threshold, judgement.measure), ""
    if rule.passed is not None:
        alone, any_of = (
            number(rate, ".1%").replace("%", " %")
            for rate in (rule.false_pass_rate, rule.family_false_pass_rate)
        )
        chance = f"; with normal noise an idea that does nothing passes it in {alone} of cases"
        chance += (
            f", one of {rule.family_size} such ideas in {any_of}" if rule.family_size > 1 else ""
        )
    said = rule.text.replace(" x sd of", " σ of").replace(">=", "≥")
    has_card = any(record.cards for record in judgement.arm.records)
    name = "the card's rule" if has_card else "rule of thumb"
    yield name, f"{said} (bar {bar}): {card_rule(judgement)}{chance}"


def card_rule(judgement: Judgement) -> str:
    """Whether the rule of the idea's card was passed."""
    rule = judgement.comparison.seed_rule
    if rule is None or rule.passed is None:
        return "undefined"
    return "passed" if rule.passed else "not passed"


def _evidence(judgement: Judgement) -> str:
    c, standing = judgement.comparison, judgement.standing
    seeds = f"{count(c.n, 'seed')} against {c.n_baseline} of the baseline"
    if standing.elsewhere:
        return seeds  # a note says why nothing more is known
    screened = "screened, not confirmed on fresh seeds"
    if c.is_screening:
        screened = f"a screening result on {count(c.n, 'seed')} until fresh seeds confirm it"
    fresh = "confirmed on fresh seeds" if c.tier == "confirmed" else screened
    return f"{seeds}; {standing.word}; {standing.terms or DEFAULT_TERMS}; {fresh}"


def _cost(verdict: Verdict) -> Iterator[Line]:
    judgement = verdict.judgement
    if judgement.standing.elsewhere:
        return  # their times are not known
    arm, baseline = judgement.arm, judgement.baseline
    units = [f"{number(side.mean('units'), ',.0f')}" for side in (baseline, arm)]
    yield (
        "cost",
        f"{duration(baseline.mean('seconds'))} → {duration(arm.mean('seconds'))} a run; "
        f"{' → '.join(dict.fromkeys(units))} {arm.unit}; forward passes "
        f"{_ratio(judgement, 'forward_passes')}, backward passes "
        f"{_ratio(judgement, 'backward_passes')} the baseline's",
    )
    if verdict.joules.sentence:
        yield "energy", verdict.joules.sentence
    yield "at equal time", verdict.equal_time_sentence


def _ratio(judgement: Judgement, fact: str) -> str:
    theirs = judgement.baseline.mean(fact)
    return f"{number(judgement.arm.mean(fact) / theirs, '.2f')} ×" if theirs else UNDEFINED


def equals(p: float) -> str:
    """`= .012`, or the `< .001` that it is already."""
    text = probability(p)
    return text if text.startswith("<") else f"= {text}"
