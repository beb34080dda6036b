"""A registered report in words: what was registered, what the test says of it, what belongs where."""

from collections.abc import Sequence

from audition.answers import Judgement
from audition.answers.verdict import Verdict
from audition.measure import Measure
from audition.records.registration import Registration
from audition.report.verdict_notes import contradictions, notes
from audition.report.verdict_text import Line, lines
from audition.text import in_unit, plain_level

CONFIRMATORY = "Confirmatory: the registered tests"
EXPLORATORY = "Exploratory: nothing from here on was registered as a test"
NONE_LEFT = (
    "None is left: every registered test departed from its plan, and is below, with the reason."
)

WEIGHTS = {
    "for": "It counts for the claim.",
    "against": "It counts against the claim.",
    "open": "It decides nothing about the claim.",
}
"""What a registered test says."""


def registered_terms(plan: Registration, how: Measure) -> str:
    """What was registered, in sentences: when, of which arms, and what counts for and against."""
    names = plan.names()
    arms = ", ".join(names[each] for each in plan.primary)
    margin = (
        "one σ of the runs" if plan.sesoi is None else in_unit(plain_level(plan.sesoi, how), how)
    )
    said, shown, denied = {
        "better": (
            "better than",
            f"lies above zero and the gain is at least {margin}",
            f"lies below a gain of {margin}",
        ),
        "worse": (
            "worse than",
            f"lies below zero and the harm is at least {margin}",
            f"lies above a harm of {margin}",
        ),
        "equal": (
            "equal to",
            f"lies within {margin} either way",
            f"excludes zero and the difference is at least {margin}",
        ),
    }[plan.expects]
    written = f", {plan.written[:16].replace('T', ' ')} UTC" if plan.written else ""
    return (
        f"Registered before the first run (plan {plan.digest()}{written}): by {how.label}, {arms} "
        f"{'is' if len(plan.primary) == 1 else 'are'} {said} the baseline. For it counts that the "
        f"interval {shown}; against it, that the interval {denied}."
    )


def of_report(judgements: Sequence[Judgement]) -> tuple[str, ...]:
    """What the reports of `judgements` registered, one sentence or two each; none without a report."""
    found = {
        j.standing.report.digest(): registered_terms(
            j.standing.report, j.baseline.by(j.standing.report.metric).measure
        )
        for j in judgements
        if j.standing.report is not None
    }
    return tuple(found.values())


def is_confirmatory(judgement: Judgement) -> bool:
    """Whether it is the registered test of a report, made as it was planned."""
    return judgement.standing.part == "confirmatory"


def registered_lines(verdict: Verdict) -> tuple[Line, ...]:
    """The lines of a verdict that the registered test rests on."""
    own = _own(verdict.judgement)
    return tuple(line for line in lines(verdict) if line[0] in own)


def further_lines(verdict: Verdict, *, every_size: bool = False) -> tuple[Line, ...]:
    """What else the runs of a registered test measured, of which nothing was registered."""
    own = _own(verdict.judgement)
    return tuple(line for line in lines(verdict, every_size=every_size) if line[0] not in own)


def registered_notes(judgement: Judgement) -> tuple[str, ...]:
    """The caveats about a registered test; what other measures say is none of them."""
    others = contradictions(judgement)
    return tuple(note for note in notes(judgement) if note not in others)


def _own(judgement: Judgement) -> tuple[str, ...]:
    return judgement.measure.label, "claim", "control", "chance", "sensitivity", "evidence"
