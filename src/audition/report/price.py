"""What an answer cost and would cost, in words: the terminal and the report say the same."""

from collections.abc import Sequence

from audition.judge import Judgement
from audition.ledger.registration import ALPHA
from audition.ledger.store import Ledger
from audition.report.energy import joules_of
from audition.report.equal_time import Stopwatch
from audition.report.words import UNDEFINED, count, duration, number

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
        f"{number(baseline.mean('units'), ',.0f')} → {number(arm.mean('units'), ',.0f')} tokens; "
        f"forward passes {_ratio(judgement, 'forward_passes')}, backward passes "
        f"{_ratio(judgement, 'backward_passes')} the baseline's"
    )
    time = watch.against(arm, level=judgement.comparison.level)
    joules = joules_of(judgement).sentence
    return (
        ("cost", cost),
        *([("energy", joules)] if joules else []),
        ("at equal time", time.sentence),
        ("to settle it", _settle(judgement)),
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
    c = judgement.comparison
    if c.verdict in ("supported", "refuted"):
        return "settled at these seeds; fresh seeds would confirm it"
    if c.seeds_needed is None or judgement.seconds_to_settle is None:
        return "nothing to go by yet"
    return (
        f"{c.seeds_needed} seeds an arm show a gain of {number(c.sesoi)}, the smallest that "
        f"counts: {count(judgement.runs_to_settle or 0, 'more run')}, about "
        f"{duration(judgement.seconds_to_settle)} of one worker; these seeds could show "
        f"{number(c.mde)}"
    )
