"""A search from its command line to its answer."""

from collections.abc import Sequence
from pathlib import Path

from audition.answers import Judgement
from audition.command_line import train_command
from audition.console import say
from audition.errors import AuditionError
from audition.frozen import freeze
from audition.records.registration import Registration
from audition.records.store import Ledger
from audition.sweep.announce import announce, announcement
from audition.sweep.arms import SCREENING, Arm, Question, arm_name, parse_question
from audition.sweep.compose import Application
from audition.sweep.confirm import confirm
from audition.sweep.executors import LocalExecutor, SlurmExecutor
from audition.sweep.keys import check_unset
from audition.sweep.plan import Plan, make_plan
from audition.sweep.search.answer import (
    Candidate,
    candidates,
    say_candidates,
    say_trials,
    say_unanswered,
    screened,
)
from audition.sweep.search.jobs import SearchJobs
from audition.sweep.search.make_trials import (
    check_known,
    check_objectives,
    executor_of_trials,
    make_trials,
    objectives_of,
    study_name,
)
from audition.sweep.search.objective import judged_by
from audition.sweep.search.settings import SearchSettings
from audition.sweep.search.space.points import Points
from audition.sweep.search.space.space import parts
from audition.sweep.search.study.study import Study
from audition.sweep.search.write import path_of, write_experiment
from audition.sweep.show import Show
from audition.text import count

STEM = "hparams_search"
TERMS = "the best of a search"


def search(
    arguments: Sequence[str], settings: SearchSettings, show: Show, application: Application
) -> None:
    """Make the trials that the study lacks, and judge the best of them on fresh seeds.

    Raises AuditionError before anything starts where the search cannot be made, and SystemExit(1)
    at the end where a run on a fresh seed has no outcome.
    """
    freeze()
    settings.check()
    path = path_of(settings.write) if settings.write else None
    question = parse_question(
        application.parser,
        arguments,
        settings.params or {},
        settings.arms or (),
        application.config.get("tune"),
    )
    start = starting_point(question)
    seeds = question.seeds or SCREENING
    settings.pruner_for(len(seeds), int(application.config.training.evaluations))
    settings.fresh(seeds)  # refused here where there are not as many
    compose = application.composer
    with executor_of_trials(application) as executor:
        plan = make_plan(Question(start, (), seeds), compose)
        if plan.runs[0].settings["analysis"]["primary"]:
            raise AuditionError(
                "analysis.primary: a search chooses its arms, so none can be named beforehand: leave "
                "it out, and test the best in a sweep of its own"
            )
        points = Points.around(plan, (), seeds, compose).searched(settings.space)
        check_objectives(settings, points)
        check_known(settings, points)
        for part in parts(points.space):
            check_unset(part.key, start)
        ledger = Ledger(points.output_dir)
        announce(plan, announcement(plan, screening=True), executor, ledger)
        stem = application.choice(STEM) or "none"
        name = study_name(settings, points, "search" if stem == "none" else stem)
        say(
            f"study '{name}': up to {count(settings.trials, 'trial')} of {count(len(seeds), 'seed')}."
        )
        place: LocalExecutor | SearchJobs = (
            SearchJobs(executor, settings, points, name)
            if isinstance(executor, SlurmExecutor)
            else executor
        )
        try:
            study = (
                place.study()
                if isinstance(place, SearchJobs)
                else make_trials(settings, points, name, place)
            )
            say_trials(study)
            ranked = candidates(study, points.start_hash, max(1, settings.candidates))
            found = ranked[: settings.candidates]
            if found:
                planned, registration = planned_answer(points, found, settings)
                confirmed = confirm(planned, registration, place, ledger, show)
        except KeyboardInterrupt:
            say(f"Stopped; the same command goes on with study '{name}'.")
            raise SystemExit(130) from None
        if found:
            metric = judged_by(objectives_of(settings, points), points.metric)
            gains = screened(study, points.start_hash, points.seeds, ledger, metric)
            say_candidates(found, gains, confirmed.judgements)
            say_answer(study, points, found, confirmed.judgements, path)
            complete = confirmed.complete
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


def planned_answer(
    points: Points, found: Sequence[Candidate], settings: SearchSettings
) -> tuple[Plan, Registration]:
    """The candidates and the default on fresh seeds, and what is announced of that."""
    fresh = settings.fresh(points.seeds)
    arms = [Arm(arm_name(c.overrides), (*points.common, *c.overrides)) for c in found]
    plan = make_plan(Question(points.common, tuple(arms), fresh), points.compose)
    objective = judged_by(objectives_of(settings, points), plan.metric)
    return plan, announcement(plan, fresh, terms=TERMS, metric=objective)


def say_answer(
    study: Study,
    points: Points,
    found: Sequence[Candidate],
    judgements: Sequence[Judgement],
    path: Path | None,
) -> None:
    """What to type for the best candidate that held; written to `path` where there is one."""
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
