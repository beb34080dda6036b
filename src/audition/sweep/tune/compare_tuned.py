"""A fair fight from its question to its verdict: tune every arm alike, then compare on fresh seeds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hydra.core.plugins import Plugins
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from audition.measure import Measure
from audition.records.registration import register
from audition.records.store import Ledger
from audition.records.tuned import TUNED, Contender, Tuned
from audition.sweep.announce import announcement, question_of
from audition.sweep.arms import SCREENING, Question
from audition.sweep.compose import Composer
from audition.sweep.launchers import Launch, ready
from audition.sweep.plan import Plan, make_plan
from audition.sweep.say import Planning, say, say_diverged, say_missing
from audition.sweep.search.answer import judged
from audition.sweep.search.place import Bench, bench
from audition.sweep.show import Show
from audition.sweep.tune.entrants import Entrant, Trial, entrants, fresh_plan, screened
from audition.sweep.tune.say import say_contenders, say_fight, say_screening
from audition.sweep.tune.settings import Tuning
from audition.sweep.tune.studies import around_defaults, studied
from audition.sweep.tune.wanted import Tune, tune_of
from audition.sweep.verdict_page import show_verdicts
from audition.text import count

SEVERAL = 20
"""Trials of several keys at once, where nobody said how many."""


@dataclass(frozen=True)
class Ring:
    """Where a fight takes place."""

    compose: Composer
    launch: Launch
    place: Bench | None  # this machine's pool, where studies ask for runs one by one


@contextmanager
def ring(
    tune: Tune, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
) -> Iterator[Ring]:
    """One key takes any launcher, as its runs are known beforehand; a study takes the pool."""
    if len(tune.keys) == 1:
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )
        with ready(launcher) as launch:
            yield Ring(Composer.of_hydra(config.hydra), launch, None)
    else:
        with bench(hydra_context, task_function, config) as place:
            yield Ring(place.compose, place.launch(), place)


def compare_tuned(
    question: Question,
    show: Show,
    *,
    hydra_context: HydraContext,
    task_function: TaskFunction,
    config: DictConfig,
) -> None:
    """Tune every arm of `question` alike, and print the verdict on each at its best.

    Raises AuditionError before anything starts where an arm cannot be tuned so, and SystemExit(1)
    at the end where a run has no outcome.
    """
    tuning = Tuning(**{str(key): value for key, value in config.tuning.items()})
    name = str(config.hydra.job.config_name)
    tune = tune_of(question.tune, hydra_context.config_loader, name)
    question = tune.of(question)
    question = replace(question, seeds=question.seeds or SCREENING)
    tuning.fresh(question.seeds or ())  # refused here where there are not as many
    with ring(tune, hydra_context, task_function, config) as where:
        plan = make_plan(question, where.compose, Planning())
        ledger = Ledger(Path(plan.output_dir))
        where.launch.check(plan.missing(ledger.read()))
        found = entrants(question, plan, where.compose)
        own = TunedComparison(
            question, tune, tuning, where, ledger, found, show, *question_of(plan)
        )
        try:
            complete = own.judge(own.tune_all(plan.baseline_hash))
        except KeyboardInterrupt:
            say("Stopped; what has finished is in the ledger, and the same command goes on.")
            raise SystemExit(130) from None
    if not complete:
        raise SystemExit(1)


@dataclass(frozen=True)
class TunedComparison:
    """One fight, ready to begin."""

    question: Question
    tune: Tune
    tuning: Tuning
    ring: Ring
    ledger: Ledger
    entrants: tuple[Entrant, ...]  # the baseline first
    show: Show
    metric: str  # that arms are tuned and judged by
    measure: Measure

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those that choose the best."""
        return self.question.seeds or ()

    def tune_all(self, baseline_hash: str) -> tuple[Contender, ...]:
        """Every entrant with what its trials came to, as far as they have an outcome."""
        self.ledger.check_writable()
        if self.ring.place is None:
            trials = self._neighbours(baseline_hash)
        else:
            keys, factor = self.tune.keys, self.tuning.factor
            spaces = around_defaults(keys, factor) if keys else lambda _: self.tune.space or {}
            many = self.tuning.trials or SEVERAL
            say(
                f"tuning {count(len(self.entrants), 'arm')} in {self.tune.name}, {many} trials each."
            )
            trials = studied(self.entrants, spaces, many, self.ring.place)
        return screened(trials, self.ledger.read(), self.metric)

    def judge(self, contenders: tuple[Contender, ...]) -> bool:
        """Compare the contenders at their best; whether every run has its outcome."""
        best = {each.name: each.best(self.seeds) for each in contenders}
        found = {name: tried for name, tried in best.items() if tried is not None}
        if len(found) < len(best):
            for name in best.keys() - found.keys():
                say(f"no setting of {name} finished on every seed, so there is no verdict.")
            return False
        fresh = self.tuning.fresh(self.seeds)
        plan = fresh_plan(self.entrants, found, fresh, self.ring.compose)
        terms = f"each at its best of {len(contenders[0].tries)} trials in {self.tune.name}"
        announced = replace(announcement(plan, fresh), terms=terms)
        plan = plan.under(announced.digest())
        register(self.ledger.root, announced)
        keys = tuple(dict.fromkeys(key for c in contenders for t in c.tries for key in t.values))
        lattice = len(self.tune.keys) == 1
        tuned = Tuned(
            baseline_hash=plan.baseline_hash,
            keys=keys,
            seeds=self.seeds,
            metric=self.metric,
            measure=self.measure,
            contenders=contenders,
            lattice=lattice,
        )
        TUNED.write(self.ledger.root, announced.digest(), tuned)
        say_contenders(tuned)
        missing = plan.missing(self.ledger.read())
        say(
            f"each at its best, on {count(len(fresh), 'fresh seed')}: "
            f"{count(len(plan.runs), 'run')}, {len(missing)} to train."
        )
        self.ring.launch(announced.digest(), missing)
        judgements = judged(plan, self.ledger, announced)
        self.show.verdicts(judgements, self.ledger)
        show_verdicts(plan, judgements, self.ledger)
        say_fight(judgements, tuned)
        return self._whole(plan) and say_diverged(plan, self.ledger.read())

    def _neighbours(self, baseline_hash: str) -> dict[str, tuple[Trial, ...]]:
        """The trials of one key, made in one go by whatever launcher there is."""
        (key,) = self.tune.keys
        trials = {each.name: each.trials(key, self.tuning) for each in self.entrants}
        runs = tuple(run for each in trials.values() for trial in each for run in trial.runs)
        plan = Plan(tuple({run.identity.key: run for run in runs}.values()), baseline_hash)
        announced = replace(announcement(plan), screening=True)
        plan = plan.under(announced.digest())
        missing = plan.missing(self.ledger.read())
        if missing:
            self.ring.launch.check(missing)
            register(self.ledger.root, announced)
        say_screening(self.tune.name, len(trials), plan.runs, len(missing))
        self.ring.launch(announced.digest(), missing)
        if not self._whole(plan):
            raise SystemExit(1)
        return trials

    def _whole(self, plan: Plan) -> bool:
        return say_missing(plan, self.ledger.read(), self.ledger)
