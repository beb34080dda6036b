"""The caveats of a verdict, a sentence each: what departs from the plan, and what contradicts it."""

from collections.abc import Iterator

from audition.answers import Judgement
from audition.answers.arms import other_length
from audition.records.registration import ALPHA
from audition.report.verdict_text import equals
from audition.text import capital, count, gain, gain_interval

DIGEST = 8
"""Characters by which a plan is called."""


def notes(judgement: Judgement) -> tuple[str, ...]:
    """Caveats that belong to a verdict's numbers, one sentence each."""
    return (
        *_departures(judgement),
        *_otherwise(judgement),
        *judgement.notes,
        *_of_other_length(judgement),
        *contradictions(judgement),
        *_unmeasured(judgement),
        *judgement.comparison.warnings,
    )


def other_answer(judgement: Judgement) -> str:
    """What the judgement beside it says, and of which runs, in a sentence."""
    other = judgement.other
    if other is None:
        return ""
    c, how = other.comparison, other.measure
    seeds = f"{count(c.n, 'seed')} against {c.n_baseline} of the baseline"
    family = f", {c.family_size:,} ideas" if c.family_size > 1 else ""
    whose = (
        f"The plan {other.of_plan[:DIGEST]}, on its own runs alone"
        if other.of_plan
        else "The whole ledger today"
    )
    kind = f" ({c.kind})" if c.kind else ""
    p = f", p {equals(c.p_adjusted)}" if c.p_adjusted == c.p_adjusted else ""
    return (
        f"{whose} ({seeds}{family}; {other.standing.word}): {c.verdict}{kind}, gain "
        f"{gain(c.improvement, how)} {gain_interval(c.ci, how)}{p}."
    )


def _otherwise(judgement: Judgement) -> Iterator[str]:
    """What the whole ledger says today where that is another thing than the plan's own runs say."""
    if said := other_answer(judgement):
        yield said


def _departures(judgement: Judgement) -> Iterator[str]:
    """Why a verdict is exploratory, what has changed since its plan, and evidence for added seeds."""
    standing = judgement.standing
    for departure in standing.departures:
        yield f"{capital(standing.word)}: {departure}."
    if standing.joined:
        yield (
            f"{count(standing.joined, 'arm')} joined this baseline after the plan: family and noise "
            "are now those of all."
        )
    if standing.left_out:
        yield f"Left out, as the plan does not name them: {'; '.join(standing.left_out)}."
    if judgement.e_value is not None:
        yield (
            f"e-value {judgement.e_value:.3g}: whenever one looks, at least {1 / ALPHA:.0f} rejects "
            f"'no gain' at α = {ALPHA:g}."
        )


def contradictions(judgement: Judgement) -> tuple[str, ...]:
    """Other measures of the task whose intervals contradict the gain, one sentence each."""
    return tuple(_contradictions(judgement))


def _contradictions(judgement: Judgement) -> Iterator[str]:
    for other in judgement.by_other_measures:
        if other.contradicts(judgement.comparison.improvement):
            said, ours = ("worse", "better") if other.improvement < 0 else ("better", "worse")
            low, high = judgement.comparison.ci
            doubt = ", if anything" if low <= 0 <= high else ""
            yield (
                f"By {other.measure.label} the idea is {said}, by {judgement.measure.label} it is "
                f"{ours}{doubt}: the two measures disagree."
            )


def _of_other_length(judgement: Judgement) -> Iterator[str]:
    if said := other_length(judgement.arm, judgement.baseline):
        yield f"Trained for another length, as its plan has it: {said}."


def _unmeasured(judgement: Judgement) -> Iterator[str]:
    """Finished runs without a number for the metric."""
    for side in (judgement.baseline, judgement.arm):
        for seed, why in side.unmeasured.items():
            counted = "counts as a failed outcome" if why == "is not a number" else "is left out"
            yield (
                f"{side.name} seed {seed} finished, but its {side.measure.label} {why}: it {counted}."
            )
