"""The lines that a sweep prints on standard error: its plan, its pool, and how it was left."""

import time
from collections.abc import Callable, Sequence

from audition.command_line import train_command
from audition.config.card import Card, check_card
from audition.config.groups import deciding, root_of
from audition.console import say
from audition.labels import labels
from audition.records.store import Contents, Ledger
from audition.records.submission import Submission
from audition.sweep.arms import as_an_arm
from audition.sweep.local import MeasuredPool
from audition.sweep.plan import Plan, PlannedRun
from audition.sweep.pool import PoolSettings
from audition.text import count, roughly

NAMED = 4
"""Arms that the line on what is compared names."""
ROOM = 40
"""Characters of each of those names."""
UNSAID = frozenset(group.name for group in deciding("seed", "filing", "sweep", "watching", "words"))
"""What is typed and changes no number: it is no part of what is compared."""
MANY_ARMS = 30
"""Arms from which a sweep says that it is planning them."""
FEW_ARMS = 10
"""Arms by which it is known how long one takes."""
SAY_EVERY_S = 5.0


class Planning:
    """Says that many arms are being planned, and after a few of them how long it will take."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._began, self._due = clock, clock(), 0.0

    def __call__(self, planned: int, many: int) -> None:
        if planned <= 1:  # the first takes longer: it is not typical
            self._began = self._clock()
        passed = self._clock() - self._began
        if many < MANY_ARMS or passed < self._due:
            return
        if planned == 0:
            say(f"planning {count(many, 'arm')}.")
        elif planned >= FEW_ARMS:
            left = roughly(passed / (planned - 1) * (many - planned))
            say(f"{planned} of {count(many, 'arm')} planned, about {left} left.")
            self._due = passed + SAY_EVERY_S


def say_plan(plan: Plan, missing: Sequence[PlannedRun], contents: Contents) -> None:
    """One line before the first run: how much there is to do, and how much is done."""
    for unreadable in contents.unreadable:
        say(f"{unreadable}; it is left out.")
    arms = plan.arms()
    for name in plan.same_as_baseline:
        say(f"'{name}' is the baseline itself, so it is not an arm.")
    if arms:
        say(_compared(plan))
    for card in _drafts(plan):
        say(
            f"the card of {card.name} is a draft, and so is a verdict on it: a claim also needs "
            f"{', '.join(card.missing)}."
        )
    done = len(plan.runs) - len(missing)
    deployed = sum(run.deployed for run in missing)
    say(
        f"{count(len(arms), 'arm')} against the baseline, {count(len(plan.runs), 'run')} in all: "
        f"{done} in the ledger, {len(missing) - deployed} to train"
        + (f", {how(missing)}" if missing else "")
        + (f"; {deployed} to deploy." if deployed else ".")
    )
    if parents := len(plan.parents) - sum(run in missing for run in plan.parents):
        say(f"what is deployed is made of {count(parents, 'trained run')} beside them.")
    if not arms:
        say(_without_arms(plan))


def _compared(plan: Plan) -> str:
    """What is compared with what: arms, what the baseline has of its own, what every run has."""
    names = labels([name for name, _ in plan.arms()], ROOM)
    more = len(names) - NAMED
    if more > 1:
        names = [*names[:NAMED], f"{more} more"]
    baseline, *others = dict.fromkeys(run.arm.overrides for run in plan.runs)
    told = [word for word in baseline if root_of(word) not in UNSAID]
    own = [word for word in told if not all(word in words for words in others)]
    replaced = {word.partition("=")[0] for word in own}
    shared = [word for word in told if word.partition("=")[0] not in replaced]
    has = f", which has {' '.join(own)}" if own else ""
    every = f"; every run has {' '.join(shared)}" if shared else ""
    return f"comparing {' and '.join(names)} with the baseline{has}{every}."


def _drafts(plan: Plan) -> list[Card]:
    """The cards of the plan's ideas that lack something, each once."""
    found = {
        name: check_card(name, card)
        for run in plan.runs
        for name, card in (run.settings.get("cards") or {}).items()
    }
    return [card for card in found.values() if card.is_draft]


def _without_arms(plan: Plan) -> str:
    """Why there will be no verdict, and the command that gives one."""
    words = plan.runs[0].arm.overrides
    again = as_an_arm(words)
    if "--arm" not in again:
        return "without an arm there is no verdict: add +idea=NAME, or give a key two values."
    seeds = ",".join(str(run.seed) for run in plan.runs)
    command = train_command(*again, f"seed={seeds}", "-m")
    return (
        "what is typed plainly is the baseline, and without an arm there is no verdict. As an arm "
        f"against the defaults: {command}"
    )


def how(runs: Sequence[PlannedRun]) -> str:
    """What `runs` are computed with: `on the cpu in bfloat16`, each way once."""
    ways = (
        f"on the {run.settings['execution']['device']} in "
        + str(run.settings["precision"]["_target_"]).rpartition(".")[2].lower()
        + ", compiled" * run.settings["execution"]["compile"]
        for run in runs
    )
    return " and ".join(dict.fromkeys(ways))


def pool_line(settings: PoolSettings) -> str:
    """How many at once, where `audition bench` decided it; else nothing."""
    if not isinstance(settings, MeasuredPool) or settings.measured is None:
        return ""
    return f"{settings.workers} at once, as `audition bench` measured on {settings.measured[:10]}."


def say_detached(submission: Submission) -> None:
    """After `submit=detach`: what was handed in, and who looks after it."""
    many = sum(len(job.runs) for job in submission.jobs)
    say(
        f"{count(many, 'run')} submitted in {count(len(submission.jobs), 'job')} as Slurm job "
        f"{' '.join(submission.arrays())}: `audition status` shows them, `audition collect` gives "
        "the verdict, `audition cancel` ends them."
    )


def say_stopped(plan: Plan, ledger: Ledger) -> None:
    """After Ctrl-C: what is safe, and how to go on."""
    left = len(plan.missing(ledger.read()))
    say(
        f"Stopped with {len(plan.runs) - left} of {count(len(plan.runs), 'run')} in the ledger; "
        "the same command goes on from there."
    )
