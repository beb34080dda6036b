"""A race as a way to conduct a sweep, and what it says of who was dropped, why, and what it saved."""

import sys
from dataclasses import replace

from audition.console import console, table
from audition.errors import AuditionError
from audition.records.races import RACES, Race
from audition.records.store import Ledger
from audition.stats import RaceRules
from audition.sweep.arms import SCREENING, Question, more_seeds
from audition.sweep.launchers import Train
from audition.sweep.plan import Plan
from audition.sweep.race import race
from audition.sweep.say import say_verdicts
from audition.sweep.show import Show
from audition.text import count


class RaceStyle:
    """One seed, the other screening seeds, then fresh seeds for who is left."""

    chooses = True

    def __init__(self, fresh_seeds: int, drop_below: float) -> None:
        self.fresh_seeds = fresh_seeds
        self.drop_below = drop_below
        self.screening: tuple[int, ...] = SCREENING

    def widen(self, question: Question) -> Question:
        """The question on its own seeds, which screen, and on `fresh_seeds` more, which judge."""
        if not question.arms:
            raise AuditionError(
                "a race needs ideas to choose among: add +idea=a,b or +idea='glob(*)'"
            )
        self.screening = question.seeds or SCREENING
        asked_by = f"hydra.sweeper.fresh_seeds={self.fresh_seeds}"
        fresh = more_seeds(self.screening, self.fresh_seeds, asked_by)
        return replace(question, seeds=(*self.screening, *fresh))

    def judged_on(self, plan: Plan) -> tuple[int, ...]:
        """The fresh seeds."""
        seeds = dict.fromkeys(run.seed for run in plan.runs)
        return tuple(seed for seed in seeds if seed not in self.screening)

    def conduct(self, plan: Plan, train: Train, ledger: Ledger, show: Show) -> bool:
        """Run the race, say each turn of it, and give the verdicts."""
        rules = RaceRules(
            screening_seeds=self.screening,
            drop_below_all=self.drop_below,
            fresh_seeds=self.fresh_seeds,
        )
        result = race(plan, rules, train, ledger)
        RACES.write(ledger.root, result.baseline_hash, result)
        say_race(result)
        say_verdicts(plan, ledger, show)
        return not any(turn.action == "missing" for turn in result.turns)


def say_race(result: Race) -> None:
    """Who was dropped when and why, and the runs that this saved."""
    turns = ((str(turn.stage), turn.idea, turn.action, turn.reason) for turn in result.turns)
    console().print(table(("stage", "idea", "", ""), turns))
    saved = result.runs_at_fixed_seeds - result.runs
    print(
        f"audition: {count(result.runs, 'run')} of ideas, against {result.runs_at_fixed_seeds} had "
        f"every idea run every seed: {saved} saved.",
        file=sys.stderr,
    )
