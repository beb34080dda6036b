"""What an answer cost and would cost, in words: the terminal and the report say the same."""

from collections.abc import Iterator, Sequence

from audition.answers import Judgement
from audition.answers.energy import joules_of
from audition.answers.equal_time import Stopwatch
from audition.records.registration import ALPHA
from audition.records.store import Ledger
from audition.text import (
    UNDEFINED,
    count,
    duration,
    gain,
    gain_interval,
    levels,
    number,
    plain_level,
)

Line = tuple[str, str]
"""A name, and what is to be said under it."""


def stopwatches(ledger: Ledger, judgements: Sequence[Judgement]) -> dict[str, Stopwatch]:
    """Baseline hash -> a stopwatch that reads its curves once for all its rivals."""
    return {j.baseline.config_hash: Stopwatch(ledger, j.baseline) for j in judgements}


def price(judgement: Judgement, watch: Stopwatch) -> tuple[Line, ...]:
    """Cost of a run, its joules, the gain at equal time, and what would settle the question."""
    arm, baseline = judgement.arm, judgement.baseline
    cost = (
        f"{duration(baseline.mean('seconds'))} → {duration(arm.mean('seconds'))} a run; "
        f"{number(baseline.mean('units'), ',.0f')} → {number(arm.mean('units'), ',.0f')} {arm.unit}; "
        f"forward passes {_ratio(judgement, 'forward_passes')}, backward passes "
        f"{_ratio(judgement, 'backward_passes')} the baseline's"
    )
    time = watch.against(judgement.arm, level=judgement.comparison.level)
    joules = joules_of(judgement).sentence
    return (
        ("cost", cost),
        *([("energy", joules)] if joules else []),
        ("at equal time", time.sentence),
        ("to settle it", _settle(judgement)),
    )


def by_other_measures(judgement: Judgement) -> tuple[Line, ...]:
    """The same runs by each further measure of their task."""
    return tuple(
        (
            other.measure.label,
            f"{levels(other.baseline, other.idea, other.measure)}; improvement "
            f"{gain(other.improvement, other.measure)}, {other.level:.0%} CI "
            f"{gain_interval(other.ci, other.measure)}",
        )
        for other in judgement.by_other_measures
    )


def notes(judgement: Judgement) -> tuple[str, ...]:
    """All that is to be known beside a verdict's numbers, one sentence each."""
    return (
        *departures(judgement),
        *judgement.notes,
        *_contradictions(judgement),
        *_unmeasured(judgement),
    )


def _contradictions(judgement: Judgement) -> Iterator[str]:
    """Measures of the same task that clearly say the opposite."""
    c, how = judgement.comparison, judgement.measure
    for other in judgement.by_other_measures:
        if other.contradicts(c.improvement):
            said, ours = ("worse", "better") if other.improvement < 0 else ("better", "worse")
            yield (
                f"By {other.measure.label} the idea is {said} "
                f"({gain(other.improvement, other.measure)}, {other.level:.0%} CI "
                f"{gain_interval(other.ci, other.measure)}), by {how.label} it is {ours}: the two "
                "measures disagree."
            )


def _unmeasured(judgement: Judgement) -> Iterator[str]:
    """Finished runs without a number for the metric."""
    for side in (judgement.baseline, judgement.arm):
        for seed, why in side.unmeasured.items():
            counted = "counts as a failed outcome" if why == "is not a number" else "is left out"
            yield (
                f"{side.name} seed {seed} finished, but its {side.measure.label} {why}: it {counted}."
            )


def departures(judgement: Judgement) -> tuple[str, ...]:
    """Why a verdict is exploratory, what else has changed since its plan, and the evidence that
    outlives added seeds; one sentence each.
    """
    notes = [f"Exploratory: {departure}." for departure in judgement.standing.departures]
    if joined := judgement.standing.joined:
        notes.append(
            f"{count(joined, 'arm')} joined this baseline after the plan: family and noise are "
            "now those of all."
        )
    if left := judgement.standing.left_out:
        notes.append(f"Left out, as the plan does not name them: {'; '.join(left)}.")
    if judgement.e_value is not None:
        notes.append(
            f"e-value {judgement.e_value:.3g}: whenever one looks, at least "
            f"{1 / ALPHA:.0f} rejects 'no gain' at α = {ALPHA:g}."
        )
    return tuple(notes)


def _ratio(judgement: Judgement, fact: str) -> str:
    theirs = judgement.baseline.mean(fact)
    return f"{number(judgement.arm.mean(fact) / theirs, '.2f')} ×" if theirs else UNDEFINED


def _settle(judgement: Judgement) -> str:
    c, how = judgement.comparison, judgement.measure
    if c.verdict in ("supported", "refuted"):
        return "settled at these seeds; fresh seeds would confirm it"
    if c.seeds_needed is None or judgement.seconds_to_settle is None:
        return "nothing to go by yet"
    return (
        f"{c.seeds_needed} seeds an arm show a gain of {plain_level(c.sesoi, how)}, the smallest that "
        f"counts: {count(judgement.runs_to_settle or 0, 'more run')}, about "
        f"{duration(judgement.seconds_to_settle)} of one worker; these seeds could show "
        f"{plain_level(c.mde, how)}"
    )
