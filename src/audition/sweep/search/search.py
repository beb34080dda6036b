"""A search from its command line to its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from audition.answers import Judgement
from audition.console import train_command
from audition.errors import AuditionError
from audition.frozen import freeze
from audition.records.registration import register
from audition.records.store import Ledger
from audition.sweep.announce import announcement
from audition.sweep.arms import SCREENING, Arm, Question, arm_name, parse_question
from audition.sweep.keys import check_unset
from audition.sweep.plan import make_plan
from audition.sweep.say import say, say_diverged
from audition.sweep.search.answer import (
    Candidate,
    announced,
    candidates,
    judged,
    screened,
    write_down,
)
from audition.sweep.search.objective import judged_by
from audition.sweep.search.place import Bench, place_of
from audition.sweep.search.say import (
    say_candidates,
    say_trials,
    say_unanswered,
)
from audition.sweep.search.servers import Servers
from audition.sweep.search.settings import SearchSettings
from audition.sweep.search.space.points import Points
from audition.sweep.search.space.space import parts
from audition.sweep.search.study.study import Study
from audition.sweep.search.trials import check_known, check_objectives, objectives_of, study_name
from audition.sweep.search.write import path_of, write_experiment
from audition.sweep.show import Show
from audition.text import count

STEM = "hparams_search"
TERMS = "the best of a search"


def search(
    arguments: Sequence[str],
    params: Mapping[str, Any],
    arms: Sequence[str],
    settings: SearchSettings,
    show: Show,
    *,
    hydra_context: HydraContext,
    task_function: TaskFunction,
    config: DictConfig,
) -> None:
    """Make the trials that the study lacks, and judge the best of them on fresh seeds.

    Raises AuditionError before anything starts where the search cannot be made, and SystemExit(1)
    at the end where a run on a fresh seed has no outcome.
    """
    freeze()
    settings.check()
    path = path_of(settings.write) if settings.write else None
    parser = OverridesParser.create(config_loader=hydra_context.config_loader)
    question = parse_question(parser, arguments, params, arms)
    start = starting_point(question)
    seeds = question.seeds or SCREENING
    settings.pruner_for(len(seeds), int(config.training.evaluations))
    settings.fresh(seeds)  # refused here where there are not as many
    with place_of(hydra_context, task_function, config) as place:
        plan = make_plan(Question(start, (), seeds), place.compose)
        points = Points.around(plan, (), seeds, place.compose).searched(settings.space)
        check_objectives(settings, points)
        check_known(settings, points)
        for part in parts(points.space):
            check_unset(part.key, start)
        ledger = Ledger(points.output_dir)
        if isinstance(place, Bench):
            place.launch().check(plan.missing(ledger.read()))
        ledger.check_writable()
        register(ledger.root, replace(announcement(plan), screening=True))
        stem = str(config.hydra.runtime.choices.get(STEM) or "none")
        name = study_name(settings, points, "search" if stem == "none" else stem)
        say(
            f"study '{name}': up to {count(settings.trials, 'trial')} of {count(len(seeds), 'seed')}."
        )
        try:
            study = place.study(settings, points, name)
            say_trials(study)
            ranked = candidates(study, points.start_hash, max(1, settings.candidates))
            found = ranked[: settings.candidates]
            judgements, complete = confirm(place, points, found, settings, ledger)
        except KeyboardInterrupt:
            say(f"Stopped; the same command goes on with study '{name}'.")
            raise SystemExit(130) from None
        metric = judged_by(objectives_of(settings, points), points.metric)
        if found:
            _answer(study, points, found, judgements, ledger, path, metric, show)
        else:
            complete = say_unanswered(study, points.start_hash, ranked)
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
    place: Bench | Servers,
    points: Points,
    found: Sequence[Candidate],
    settings: SearchSettings,
    ledger: Ledger,
) -> tuple[list[Judgement], bool]:
    """The candidates' verdicts on fresh seeds; whether every run has its outcome."""
    if not found:
        return [], True
    fresh = settings.fresh(points.seeds)
    arms = [Arm(arm_name(c.overrides), (*points.common, *c.overrides)) for c in found]
    plan = make_plan(Question(points.common, tuple(arms), fresh), place.compose)
    registration = announced(plan, objectives_of(settings, points)[0], fresh, TERMS)
    plan = plan.under(registration.digest())
    write_down(ledger, registration)
    say(
        f"{count(len(found), 'candidate')} against the default on {count(len(fresh), 'fresh seed')}."
    )
    complete = place.train(plan, ledger) and say_diverged(plan, ledger.read())
    return judged(plan, ledger, registration), complete


def _answer(
    study: Study,
    points: Points,
    found: Sequence[Candidate],
    judgements: Sequence[Judgement],
    ledger: Ledger,
    path: Path | None,
    metric: str,
    show: Show,
) -> None:
    say_candidates(
        found, screened(study, points.start_hash, points.seeds, ledger, metric), judgements
    )
    show.verdicts(judgements, ledger)
    supported = [j for j in judgements if j.comparison.verdict == "supported"]
    if not supported:
        say("No candidate held on the fresh seeds: the default stands.")
        return
    best = max(supported, key=lambda j: j.comparison.improvement)
    chosen = next(c for c in found if c.config_hash == best.arm.config_hash)
    typed = last_words((*points.common, *chosen.overrides))
    shown = [o for o in typed if not o.startswith((f"{STEM}=", "seed=", "paths."))]
    say(f"The answer: {train_command(*shown)}")
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
