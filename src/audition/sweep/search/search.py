"""A search from its command line to its answer."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from audition.errors import AuditionError
from audition.judge import Judgement
from audition.ledger.store import Ledger
from audition.report.terminal import show_judgements
from audition.report.words import count
from audition.sweep.arms import Arm, Question, arm_name, more_seeds
from audition.sweep.asked import asked
from audition.sweep.carry import train_all
from audition.sweep.compose import Composer
from audition.sweep.launchers import WarmLauncher, cluster_of
from audition.sweep.plan import Plan, PlannedRun, make_plan
from audition.sweep.pool import warm
from audition.sweep.search.answer import (
    Candidate,
    announced,
    candidates,
    judged,
    screened,
    write_down,
)
from audition.sweep.search.notice import noticed
from audition.sweep.search.points import Points
from audition.sweep.search.say import command_of, say, say_candidates, say_trials
from audition.sweep.search.storage import prepare_optuna
from audition.sweep.search.study import Study
from audition.sweep.search.trials import Pool, carry_on, study_name
from audition.sweep.search.wanted import Wanted
from audition.sweep.search.write import path_of, write_experiment

SCREENING = (42, 137, 256)
STEM = "hparams_search"
TERMS = "the best of a search"


@dataclass(frozen=True)
class Bench:
    """Where trials are planned and made."""

    compose: Composer
    pool: Pool

    def make(self, runs: Sequence[PlannedRun]) -> None:
        """Train `runs`, which may be none."""
        if runs:
            train_all(runs, self.pool.settings(runs), self.pool.server)

    def train(self, plan: Plan, ledger: Ledger) -> bool:
        """Train what the ledger lacks of `plan`; whether every run has its outcome then."""
        self.make(plan.missing(ledger.read()))
        return not plan.missing(ledger.read())


@contextmanager
def bench(
    hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
) -> Iterator[Bench]:
    """The pool of this machine. Raises AuditionError for a launcher that takes whole batches."""
    prepare_optuna()
    launcher = Plugins.instance().instantiate_launcher(
        hydra_context=hydra_context, task_function=task_function, config=config
    )
    if cluster_of(launcher) is not None or not isinstance(launcher, WarmLauncher):
        name = config.hydra.runtime.choices.get("hydra/launcher")
        raise AuditionError(
            f"hydra/launcher={name} takes runs in batches, and a search asks for them one by one: "
            "leave the launcher out, and submit this command itself as often as there are machines; "
            "all serve one study"
        )

    def settings(runs: Sequence[PlannedRun]) -> Any:
        return launcher.pool_settings(runs)

    with noticed(), warm(launcher.pool_settings()) as server:
        yield Bench(Composer.of_hydra(config.hydra), Pool(settings, server))


def search(
    arguments: Sequence[str],
    params: Mapping[str, Any],
    arms: Sequence[str],
    wanted: Wanted,
    *,
    hydra_context: HydraContext,
    task_function: TaskFunction,
    config: DictConfig,
) -> None:
    """Make the trials that the study lacks, and judge the best of them on fresh seeds.

    Raises AuditionError before anything starts where the search cannot be made, and SystemExit(1)
    at the end where a run on a fresh seed has no outcome.
    """
    wanted.check()
    path = path_of(wanted.write) if wanted.write else None
    parser = OverridesParser.create(config_loader=hydra_context.config_loader)
    question = asked(parser, arguments, params, arms)
    start = starting_point(question)
    seeds = question.seeds or SCREENING
    wanted.pruner_for(len(seeds), int(config.training.evaluations))
    with bench(hydra_context, task_function, config) as place:
        plan = make_plan(Question(start, (), seeds), place.compose)
        points = Points.around(plan, (), seeds, place.compose).searched(wanted.space)
        ledger = Ledger(points.output_dir)
        ledger.check_writable()
        stem = str(config.hydra.runtime.choices.get(STEM) or "none")
        name = study_name(wanted, points, "search" if stem == "none" else stem)
        say(
            f"study '{name}': up to {count(wanted.trials, 'trial')} of {count(len(seeds), 'seed')}."
        )
        try:
            study = carry_on(wanted, points, name, place.pool)
            say_trials(study)
            found = candidates(study, points.start_hash, wanted.candidates)
            judgements, complete = confirm(place, points, found, wanted, ledger)
        except KeyboardInterrupt:
            say(f"Stopped; the same command goes on with study '{name}'.")
            raise SystemExit(130) from None
        _answer(study, points, found, judgements, ledger, path)
    if not complete:
        raise SystemExit(1)


def starting_point(question: Question) -> tuple[str, ...]:
    """The overrides that make the default. Raises AuditionError where there are several."""
    if question.tune:
        raise AuditionError(
            f"tune={','.join(question.tune)} and a search are two ways to tune: leave one out"
        )
    if len(question.arms) > 1:
        raise AuditionError(
            f"a search starts from one configuration, and this names {len(question.arms)}: what "
            "varies belongs into its space"
        )
    return question.arms[0].overrides if question.arms else question.common


def confirm(
    place: Bench, points: Points, found: Sequence[Candidate], wanted: Wanted, ledger: Ledger
) -> tuple[list[Judgement], bool]:
    """The candidates' verdicts on fresh seeds; whether every run has its outcome."""
    if not found:
        return [], True
    total = len(points.seeds) + wanted.fresh_seeds
    fresh = more_seeds(points.seeds, total)[len(points.seeds) :]
    arms = [Arm(arm_name(c.overrides), (*points.common, *c.overrides)) for c in found]
    plan = make_plan(Question(points.common, tuple(arms), fresh), place.compose)
    registration = announced(plan, wanted.objectives[0], fresh, TERMS)
    write_down(ledger, registration)
    say(
        f"{count(len(found), 'candidate')} against the default on {count(len(fresh), 'fresh seed')}."
    )
    complete = place.train(plan, ledger)
    return judged(plan, ledger, registration), complete


def _answer(
    study: Study,
    points: Points,
    found: Sequence[Candidate],
    judgements: Sequence[Judgement],
    ledger: Ledger,
    path: Path | None,
) -> None:
    if not found:
        say("No trial beat the default on the screening seeds: the default stands.")
        return
    say_candidates(found, screened(study, points.start_hash, points.seeds, ledger), judgements)
    show_judgements(judgements, ledger)
    supported = [j for j in judgements if j.comparison.verdict == "supported"]
    if not supported:
        say("No candidate held on the fresh seeds: the default stands.")
        return
    best = max(supported, key=lambda j: j.comparison.improvement)
    chosen = next(c for c in found if c.config_hash == best.arm.config_hash)
    typed = last_words((*points.common, *chosen.overrides))
    shown = [o for o in typed if not o.startswith((f"{STEM}=", "seed=", "paths."))]
    say(f"The answer: {command_of(shown)}")
    if path is not None:
        says = [
            f"The answer of study '{study.name}': {best.comparison.reason}",
            f"Trial {chosen.number}, chosen on seeds {', '.join(map(str, points.seeds))}.",
        ]
        write_experiment(path, typed, says, points.compose)
        say(f"Written to {path}; experiment={path.stem} makes it.")


def last_words(typed: Sequence[str]) -> tuple[str, ...]:
    """Overrides without those whose key a later one sets again."""
    last = {override.partition("=")[0]: override for override in typed}
    return tuple(o for o in typed if last[o.partition("=")[0]] is o)
