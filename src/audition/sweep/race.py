"""A race: many ideas on few runs. Screening seeds drop those without a chance, fresh seeds judge.

The baseline runs all seeds once. Each idea runs the first screening seed, then the others, and the
survivors run fresh seeds, on which alone they are judged: the screening cannot flatter them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isfinite

from audition.answers import ArmRuns, arms_of
from audition.config.root import more_seeds
from audition.console import console, say, table
from audition.errors import AuditionError
from audition.records.races import RACES, Race, Turn
from audition.records.store import Ledger
from audition.stats import RaceRules, race_spread, race_step
from audition.sweep.arms import SCREENING, Question
from audition.sweep.confirm import show_answer
from audition.sweep.executors import Executor
from audition.sweep.plan import Plan, PlannedRun
from audition.sweep.settings import RaceSettings
from audition.sweep.show import Show
from audition.text import count

Train = Callable[[Sequence[PlannedRun]], None]
"""Gives every run an outcome in the ledger, or a failure: `Executor.train`."""


def race(plan: Plan, rules: RaceRules, train: Train, ledger: Ledger) -> Race:
    """Run `plan` (every arm on every seed) as a race; runs that the ledger holds are not repeated.

    The screening seeds are the rules', all others of the plan are fresh. Raises AuditionError where
    no fresh seed is left or the baseline has too few finished runs to say how noisy it is.
    """
    screening = tuple(int(str(seed)) for seed in rules.screening_seeds)
    names = dict((config_hash, name) for name, config_hash in plan.arms())
    fresh = tuple(dict.fromkeys(r.seed for r in plan.runs if r.seed not in screening))
    if not fresh:
        raise AuditionError("a race needs fresh seeds beside its screening seeds")
    alive = list(names)
    turns: list[Turn] = []
    for stage, seeds in enumerate((screening[:1], screening), start=1):
        _train(plan, alive, seeds, train, ledger)
        arms = {key: arm.by(plan.metric) for key, arm in arms_of(ledger.read().records).items()}
        spread = _spread(arms, plan.baseline_hash, names, seeds)
        for config_hash in list(alive):
            turn = _look(arms, config_hash, plan.baseline_hash, seeds, spread, rules, stage)
            turns.append(turn)
            if turn.action in ("drop", "missing"):
                alive.remove(config_hash)
    _train(plan, alive, fresh, train, ledger)
    dropped = {turn.config_hash: len(turn.seeds) for turn in turns if turn.config_hash not in alive}
    everything = len(screening) + len(fresh)
    runs = sum(dropped.values()) + everything * len(alive)
    return Race(plan.baseline_hash, tuple(turns), runs, everything * len(names))


def _train(
    plan: Plan, alive: Sequence[str], seeds: Sequence[int], train: Train, ledger: Ledger
) -> None:
    """The baseline's runs on all its seeds, and those of the ideas still in the race on `seeds`."""
    train(
        [
            run
            for run in plan.missing(ledger.read())
            if run.identity.config_hash == plan.baseline_hash
            or (run.identity.config_hash in alive and run.seed in seeds)
        ]
    )


def _spread(
    arms: Mapping[str, ArmRuns], baseline_hash: str, names: Mapping[str, str], seeds: Sequence[int]
) -> float:
    """sd of a same-seed difference, from what this stage has run and no later one.

    Were later seeds counted, a race run again could come to other decisions.
    """
    baseline = arms[baseline_hash].losses if baseline_hash in arms else {}
    diverged = sum(loss is not None and not isfinite(loss) for loss in baseline.values())
    if diverged:
        raise AuditionError(
            f"the baseline diverged on {diverged} of {count(len(baseline), 'seed')}, so no gain over "
            "it can be measured: the race ends here"
        )
    if len(baseline) < 2:
        raise AuditionError("the baseline has fewer than two finished runs: its noise is unknown")
    losses = {
        key: {seed: loss for seed, loss in arms[key].losses.items() if seed in seeds}
        for key in names
        if key in arms
    }
    return race_spread(baseline, losses)


def _look(
    arms: Mapping[str, ArmRuns],
    config_hash: str,
    baseline_hash: str,
    seeds: Sequence[int],
    spread: float,
    rules: RaceRules,
    stage: int,
) -> Turn:
    baseline, idea = arms[baseline_hash].losses, arms.get(config_hash)
    run = idea.losses if idea else {}
    shared = [seed for seed in seeds if seed in run and seed in baseline]
    turn = Turn(
        idea=idea.name if idea else config_hash,
        config_hash=config_hash,
        stage=stage,
        seeds=tuple(shared),
        mean_gain=None,
        threshold=None,
        action="missing",
        reason="Left out: a run has no outcome; the same command tries it again.",
    )
    if len(shared) < len(seeds):
        return turn
    gains = [(baseline[seed] or 0.0) - (run[seed] or 0.0) for seed in shared]
    step = race_step(gains, sd_difference=spread, rules=rules)
    return replace(
        turn,
        mean_gain=_finite(step.mean_gain),
        threshold=_finite(step.threshold),
        action=step.action,
        reason=step.reason,
    )


def _finite(value: float) -> float | None:
    return value if value == value else None


class RaceStyle:
    """One seed, the other screening seeds, then fresh seeds for the ideas that are left."""

    chooses = True

    def __init__(self, settings: RaceSettings) -> None:
        self.settings = settings
        self.screening: tuple[int, ...] = SCREENING

    def widen(self, question: Question) -> Question:
        """The question on its own seeds, which screen, and on `fresh_seeds` more, which judge."""
        if not question.arms:
            raise AuditionError(
                "a race needs ideas to choose among: add +idea=a,b or +idea='glob(*)'"
            )
        self.screening = question.seeds or SCREENING
        fresh = more_seeds(self.screening, self.settings.fresh_seeds)
        return replace(question, seeds=(*self.screening, *fresh))

    def judged_on(self, plan: Plan) -> tuple[int, ...]:
        """The fresh seeds."""
        seeds = dict.fromkeys(run.seed for run in plan.runs)
        return tuple(seed for seed in seeds if seed not in self.screening)

    def conduct(self, plan: Plan, executor: Executor, ledger: Ledger, show: Show) -> bool:
        """Run the race, print each turn of it, and show the verdicts."""
        rules = RaceRules(
            screening_seeds=self.screening,
            drop_below_all=self.settings.drop_below,
            fresh_seeds=self.settings.fresh_seeds,
        )
        result = race(plan, rules, executor.train, ledger)
        RACES.write(ledger.root, result.baseline_hash, result)
        say_race(result)
        show_answer(plan, ledger.read(), ledger, show)
        return not any(turn.action == "missing" for turn in result.turns)


def say_race(result: Race) -> None:
    """Who was dropped when and why, and the runs that this saved."""
    rows = [(str(t.stage), t.idea, t.action, t.reason) for t in result.turns]
    console().print(table(("stage", "idea", "", ""), rows))
    saved = result.runs_at_fixed_seeds - result.runs
    say(
        f"{count(result.runs, 'run')} of ideas, against {result.runs_at_fixed_seeds} had "
        f"every idea run every seed: {saved} saved.",
    )
