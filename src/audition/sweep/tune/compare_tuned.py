"""Arms compared at their best: tune every arm alike, then judge them on fresh seeds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audition.console import say
from audition.errors import AuditionError
from audition.records.store import Ledger
from audition.records.tuned import TUNED, Contender, Tuned
from audition.sweep.announce import announce, announcement, primary_arms
from audition.sweep.arms import SCREENING, Question
from audition.sweep.compose import Application, Composer
from audition.sweep.confirm import confirm, say_missing
from audition.sweep.executors import Executor, LocalExecutor, executor_of
from audition.sweep.plan import Plan, make_plan
from audition.sweep.say import Planning
from audition.sweep.search.answer import run_of
from audition.sweep.search.make_trials import (
    executor_of_trials,
    make_trials,
    study_name,
    takes_batches,
)
from audition.sweep.search.settings import SearchSettings
from audition.sweep.search.study.study import Study
from audition.sweep.show import Show
from audition.sweep.tune.entrants import Entrant, Trial, best_names, entrants, fresh_plan, screened
from audition.sweep.tune.lattice import span
from audition.sweep.tune.say import say_contenders, say_gains, say_screening
from audition.sweep.tune.settings import Tune, Tuning, tune_of
from audition.text import count

SEVERAL = 20
"""Trials of several keys at once, where nobody said how many."""

STEM = "tune"
Describe = Callable[[Entrant], Mapping[str, Any]]
"""The space that an entrant is tuned in, as a config describes one."""


def compare_tuned(question: Question, show: Show, application: Application) -> None:
    """Tune every arm of `question` alike, and print the verdict on each at its best.

    One key takes any launcher, as its runs are known beforehand; several are tuned by a study, which
    takes this machine's pool. Raises AuditionError before anything starts where an arm cannot be
    tuned so, and SystemExit(1) at the end where a run has no outcome.
    """
    config = application.config
    tuning = Tuning(**{str(key): value for key, value in config.tuning.items()})
    name = str(config.hydra.job.config_name)
    tune = tune_of(question.tune, application.context.config_loader, name)
    question = tune.of(question)
    question = replace(question, seeds=question.seeds or SCREENING)
    tuning.fresh(question.seeds or ())  # refused here where there are not as many
    compose = application.composer
    alone = len(tune.keys) == 1
    opened = executor_of(application.launcher()) if alone else executor_of_trials(application)
    with opened as executor:
        if not alone and not isinstance(executor, LocalExecutor):
            raise takes_batches(application)
        plan = make_plan(question, compose, Planning())
        primary_arms(plan, {})  # refused here where it names another arm
        ledger = Ledger(Path(plan.output_dir))
        executor.check(plan.missing(ledger.read()))
        own = TunedComparison(
            question=question,
            tune=tune,
            tuning=tuning,
            plan=plan,
            compose=compose,
            executor=executor,
            ledger=ledger,
            entrants=entrants(question, plan, compose),
            show=show,
        )
        try:
            complete = own.judge(own.tune_all())
        except KeyboardInterrupt:
            say("Stopped; what has finished is in the ledger, and the same command goes on.")
            raise SystemExit(130) from None
    if not complete:
        raise SystemExit(1)


@dataclass(frozen=True)
class TunedComparison:
    """Arms that are tuned alike and then compared, each at its best."""

    question: Question
    tune: Tune
    tuning: Tuning
    plan: Plan  # every arm at its default, on the seeds that choose
    compose: Composer
    executor: Executor
    ledger: Ledger
    entrants: tuple[Entrant, ...]  # the baseline first
    show: Show

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those that choose the best."""
        return self.question.seeds or ()

    def tune_all(self) -> tuple[Contender, ...]:
        """Every entrant with what its trials came to, as far as they have an outcome."""
        self.ledger.check_writable()
        if len(self.tune.keys) == 1:
            trials = self._neighbours()
        else:
            assert isinstance(self.executor, LocalExecutor)
            keys, factor = self.tune.keys, self.tuning.factor
            spaces = around_defaults(keys, factor) if keys else lambda _: self.tune.space or {}
            many = self.tuning.trials or SEVERAL
            say(
                f"tuning {count(len(self.entrants), 'arm')} in {self.tune.name}, {many} trials each."
            )
            trials = studied(self.entrants, spaces, many, self.executor)
        return screened(trials, self.ledger.read(), self.plan.metric)

    def judge(self, contenders: tuple[Contender, ...]) -> bool:
        """Compare the contenders at their best; whether every run has its outcome."""
        best = {each.name: each.best(self.seeds) for each in contenders}
        found = {name: tried for name, tried in best.items() if tried is not None}
        if len(found) < len(best):
            for name in best.keys() - found.keys():
                say(f"no setting of {name} finished on every seed, so there is no verdict.")
            return False
        fresh = self.tuning.fresh(self.seeds)
        plan = fresh_plan(self.entrants, found, fresh, self.compose)
        terms = f"each at its best of {len(contenders[0].tries)} trials in {self.tune.name}"
        registration = announcement(
            plan, fresh, terms=terms, asked=best_names(self.entrants, found)
        )
        keys = tuple(dict.fromkeys(key for c in contenders for t in c.tries for key in t.values))
        tuned = Tuned(
            baseline_hash=plan.baseline_hash,
            keys=keys,
            seeds=self.seeds,
            metric=self.plan.metric,
            measure=self.plan.measure,
            contenders=contenders,
            lattice=len(self.tune.keys) == 1,
        )
        TUNED.write(self.ledger.root, registration.digest(), tuned)
        say_contenders(tuned)
        confirmed = confirm(plan, registration, self.executor, self.ledger, self.show)
        say_gains(confirmed.judgements, tuned)
        return confirmed.complete

    def _neighbours(self) -> dict[str, tuple[Trial, ...]]:
        """The trials of one key, all trained at once."""
        (key,) = self.tune.keys
        trials = {each.name: each.trials(key, self.tuning) for each in self.entrants}
        runs = tuple(run for each in trials.values() for trial in each for run in trial.runs)
        plan = Plan(
            tuple({run.identity.key: run for run in runs}.values()), self.plan.baseline_hash
        )
        missing = plan.missing(self.ledger.read())
        if missing:
            plan = announce(plan, announcement(plan, screening=True), self.executor, self.ledger)
        say_screening(self.tune.name, len(trials), plan.runs, len(missing))
        self.executor.train(plan.missing(self.ledger.read()))
        if not say_missing(plan, self.ledger.read(), self.ledger):
            raise SystemExit(1)
        return trials


def around_defaults(keys: Sequence[str], factor: float) -> Describe:
    """Every key from two steps under to two steps over what it is for that entrant."""

    def describe(entrant: Entrant) -> Mapping[str, Any]:
        return {key: span(key, entrant.at(key), factor) for key in keys}

    return describe


def studied(
    entrants: Sequence[Entrant], describe: Describe, trials: int, executor: LocalExecutor
) -> dict[str, tuple[Trial, ...]]:
    """Name -> the trials of its study, the default first; each study has so many.

    Raises AuditionError, before the first run, for a space that an entrant cannot have.
    """
    ready: list[tuple[Entrant, SearchSettings]] = []
    for entrant in entrants:
        space = describe(entrant)
        try:
            points = entrant.points.searched(space)
        except AuditionError as error:
            raise AuditionError(f"tune= cannot tune {entrant.name}: {error}") from None
        ready.append((Entrant(entrant.name, points), SearchSettings(space=space, trials=trials)))
    found = {}
    for entrant, wanted in ready:
        name = study_name(wanted, entrant.points, STEM)
        found[entrant.name] = _trials(make_trials(wanted, entrant.points, name, executor), entrant)
    return found


def _trials(study: Study, entrant: Entrant) -> tuple[Trial, ...]:
    """Those that were begun, each configuration once."""
    unlike: dict[str, Trial] = {}
    for trial in study.trials:
        if not (run := run_of(trial)):
            continue
        typed = tuple(run["overrides"])
        runs = entrant.points.runs(typed)
        unlike.setdefault(runs[0].identity.config_hash, Trial(typed, dict(trial.params), runs))
    start = unlike.pop(entrant.points.start_hash, None)
    return (start or Trial((), {}, entrant.points.runs(())), *unlike.values())
