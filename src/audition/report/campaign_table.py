"""A campaign in the terminal: a line an arm, and one for each run that there is more to say of."""

from collections.abc import Sequence

from audition.answers.campaign import WORDS, RunState, seconds_left, tally
from audition.records.registration import Registration
from audition.text import count, roughly

MOST = 20
"""Runs of one kind that are listed; of more there is a number."""


def show_campaign(plan: Registration, states: Sequence[RunState]) -> None:
    """What was asked, where its runs stand, and how long it may still take."""
    print(f"plan {plan.digest()}, {plan.written[:16].replace('T', ' ')} UTC")
    if plan.command:
        print(f"  {plan.command}")
    counts = tally(states)
    used = [word for word in WORDS if any(each[word] for each in counts.values())]
    width = max(len(arm) for arm in counts)
    print("  ".join(["arm".ljust(width), *used]))
    for arm, each in counts.items():
        cells = (str(each[word] or "–").rjust(len(word)) for word in used)
        print("  ".join([arm.ljust(width), *cells]))
    for word in ("running", "queued", "interrupted", "failed", "diverged"):
        _list([state for state in states if state.word == word and state.detail])
    left = seconds_left(states)
    if left is not None:
        print(f"about {roughly(left)} left")


def _list(states: Sequence[RunState]) -> None:
    for state in states[:MOST]:
        print(f"{state.arm} seed {state.seed} {state.word}: {state.detail}")
    if len(states) > MOST:
        print(f"... and {count(len(states) - MOST, 'run')} more {states[0].word}")
