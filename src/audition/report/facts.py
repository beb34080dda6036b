"""What the report says of each idea, in words: both the page and its Markdown twin print these."""

from dataclasses import dataclass

from audition.answers import ArmRuns, Judgement
from audition.answers.equal_time import Stopwatch
from audition.answers.provenance import cards_of
from audition.config.card import Card
from audition.report.cost import Line, by_other_measures, notes, price
from audition.report.figures.gains import gains
from audition.report.reproduce import commands
from audition.stats import Comparison
from audition.text import (
    count,
    direction,
    duration,
    gain,
    gain_interval,
    in_unit,
    interval,
    number,
    plain_level,
    probability,
    signed,
)


@dataclass(frozen=True)
class IdeaFacts:
    """One idea's part of the report; every number is text already."""

    name: str
    verdict: str
    kind: str
    stamp: str  # screened or confirmed, as planned or exploratory
    sentence: str
    summary: tuple[str, ...]  # its row in the table of verdicts, after name and verdict
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    commands: tuple[str, ...]
    cards: tuple[Card, ...]
    runs: tuple[tuple[str, ...], ...]  # rows of `run_columns`


def run_columns(arm: ArmRuns) -> tuple[str, ...]:
    """The heads of the table of runs."""
    return ("arm", "seed", "status", arm.measure.label, "improvement", arm.unit, *TIMES)


TIMES = ("time", "started (UTC)")
SUMMARY_COLUMNS = ("improvement", "95 % CI", "p adjusted", "Cohen's d", "seeds", "card's rule")


def facts_of(judgement: Judgement, watch: Stopwatch) -> IdeaFacts:
    """Put one judgement in words; `watch` has the baseline's times."""
    c, arm = judgement.comparison, judgement.arm
    return IdeaFacts(
        name=c.idea,
        verdict=c.verdict,
        kind=c.kind or "",
        stamp=f"{c.tier}, {judgement.standing.word}",
        sentence=c.reason,
        summary=(
            gain(c.improvement, judgement.measure),
            gain_interval(c.ci, judgement.measure),
            probability(c.p_adjusted),
            signed(c.cohens_d, 2),
            f"{c.n} vs {c.n_baseline}",
            _passed(c),
        ),
        lines=(*_effect(judgement), *_tests(judgement), *price(judgement, watch)),
        notes=(*notes(judgement), *c.warnings),
        commands=commands(judgement),
        cards=cards_of(watch.ledger, arm),
        runs=_runs(judgement),
    )


def _effect(judgement: Judgement) -> tuple[Line, ...]:
    c, how, (before, after) = judgement.comparison, judgement.measure, judgement.levels
    sizes = (
        ("Cohen's d", "cohens_d", c.cohens_d, c.cohens_d_ci),
        ("Hedges' g", "hedges_g", c.hedges_g, c.hedges_g_ci),
        ("Glass's Δ", "glass_delta", c.glass_delta, c.glass_delta_ci),
        ("d_z", "cohens_dz", c.cohens_dz, c.cohens_dz_ci),
        ("d_av", "cohens_dav", c.cohens_dav, c.cohens_dav_ci),
    )
    return (
        (
            how.label,
            in_unit(f"{plain_level(before, how)} → {plain_level(after, how)}", how)
            + f" ({direction(how)})",
        ),
        *by_other_measures(judgement),
        (
            "improvement",
            f"D = {in_unit(gain(c.improvement, how), how)}, {c.level:.0%} CI "
            f"{gain_interval(c.ci, how)} "
            f"({c.design}, df {number(c.df, '.3g')})",
        ),
        (
            "what counts",
            f"δ* = {plain_level(c.sesoi, how)}; with power .8 these seeds show a gain of "
            f"{plain_level(c.mde, how)}",
        ),
        (
            "seeds",
            f"better on {c.wins} of {c.n}, {c.diverged} diverged; same-seed correlation "
            f"{signed(c.rho, 2)} {interval(c.rho_ci, 2)}",
        ),
        *(
            (name, f"{signed(size, 2)} {interval(ci, 2)}; {c.formulae.get(key, '')}")
            for name, key, size, ci in sizes
        ),
    )


def _tests(judgement: Judgement) -> tuple[Line, ...]:
    c, how = judgement.comparison, judgement.measure
    lines = [
        (
            "tests",
            f"one-sided p: {c.design} {probability(c.p)}, paired {probability(c.p_paired)}, Welch "
            f"{probability(c.p_welch)}, Mann–Whitney {probability(c.p_mann_whitney)}; the smallest "
            f"a sign or rank test can reach here is {probability(c.p_floor)}",
        ),
        (
            "adjusted",
            f"p {_equals(probability(c.p_adjusted))} by {c.adjustment.capitalize()} for a family of "
            f"{c.family_size}",
        ),
    ]
    rule = c.seed_rule
    if rule is not None:
        lines.append(
            (
                "the card's rule",
                f"{rule.text}: {_passed(c)} (bar {plain_level(rule.threshold, how)}); an idea that "
                f"does nothing passes it in {number(rule.false_pass_rate, '.1%')} of cases, and one of "
                f"{count(rule.family_size, 'such idea')} in "
                f"{number(rule.family_false_pass_rate, '.1%')}",
            )
        )
    return tuple(lines)


def _equals(p: str) -> str:
    """`= .012`, or the `< .001` that it is already."""
    return p if p.startswith("<") else f"= {p}"


def _passed(c: Comparison) -> str:
    if c.seed_rule is None or c.seed_rule.passed is None:
        return "undefined"
    return "passed" if c.seed_rule.passed else "not passed"


def _runs(judgement: Judgement) -> tuple[tuple[str, ...], ...]:
    apart, how = gains(judgement), judgement.measure
    return tuple(
        (
            side.name,
            str(r.seed),
            f"{r.status}: {r.reason}" if r.reason else r.status,
            plain_level(r.metrics.get(side.metric, float("nan")), how),
            gain(apart.get(r.seed, float("nan")), how) if side is judgement.arm else "",
            f"{r.units:,}",
            duration(r.seconds),
            r.started[:16].replace("T", " "),
        )
        for side in (judgement.baseline, judgement.arm)
        for r in side.records
    )
