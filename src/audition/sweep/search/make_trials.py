"""The trials of a study, made on this machine beside whatever other processes serve the study."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import product
from typing import Any

from audition.config.root import names_in
from audition.errors import AuditionError, choices
from audition.measure import BEST
from audition.records.store import Ledger
from audition.records.studies import FACTS, FOLDER
from audition.sweep.code_provenance import code_provenance
from audition.sweep.compose import Application
from audition.sweep.executors import LocalExecutor, SlurmExecutor, executor_of
from audition.sweep.local import beside, filing
from audition.sweep.pool import Display, End, Job, PoolSettings, Server, display_for, run_pool
from audition.sweep.search.account.look import accounted
from audition.sweep.search.settings import INSIDE, SearchSettings
from audition.sweep.search.space.points import OUTSIDE, Points
from audition.sweep.search.space.space import (
    Choices,
    Dimension,
    Fork,
    Space,
    Value,
    digest,
    overrides,
)
from audition.sweep.search.study.samplers import grid_values, pruner_of, sampler_of
from audition.sweep.search.study.serving import seed_of, serving
from audition.sweep.search.study.storage import journal_of, open_storage, prepare_optuna
from audition.sweep.search.study.study import Study
from audition.sweep.search.trial_queue import TrialQueue

NO_METER = "audition.energy.off.Off"

LOOK_S = 1.0
"""How often a process without work looks at the trials of others [s]."""


def study_name(settings: SearchSettings, points: Points, stem: str) -> str:
    """The study's name: as given, or one that another question does not have."""
    return settings.study or f"{stem}-{digest(asked_for(settings, points))}"


def asked_for(settings: SearchSettings, points: Points) -> dict[str, Any]:
    """The question of a study; two studies with the same question are one."""
    return {
        "default": points.start_hash,
        "baseline": points.baseline_hash,
        "seeds": list(points.seeds),
        "objectives": list(objectives_of(settings, points)),
        "space": settings.space,
    }


def objectives_of(settings: SearchSettings, points: Points) -> tuple[str, ...]:
    """What is minimised: as the settings say, or the metric that the default is judged by."""
    return tuple(settings.objectives or (points.metric,))


def check_objectives(settings: SearchSettings, points: Points) -> None:
    """Raises AuditionError for an objective that no run of these points will have."""
    metered = points.compose((*points.common, *points.choice))["energy"]["_target_"] != NO_METER
    known = {*points.measures, *(f"{name}{BEST}" for name in points.measures), *FACTS}
    for name in objectives_of(settings, points):
        if name not in known:
            raise AuditionError(
                f"hydra.sweeper.objectives names '{name}', which no run has{choices(name, known)}"
            )
        if name == "joules" and not metered:
            raise AuditionError(
                "hydra.sweeper.objectives names joules, and no meter reads them: choose one, "
                f"energy=NAME{choices('', set(names_in('energy')) - {'off'})}"
            )


def check_known(settings: SearchSettings, points: Points) -> None:
    """Raises AuditionError for a known point that no trial can have."""
    for line in settings.known or ():
        points.place(tuple(line.split()))


def describe(study: Study, points: Points) -> None:
    """Write into a new study what its default is, and how its metrics are read."""
    study.study.set_user_attr("common", [*points.common, *points.choice])
    measures = {name: asdict(how) for name, how in points.measures.items()}
    study.study.set_user_attr("measures", measures)


@contextmanager
def executor_of_trials(application: Application) -> Iterator[LocalExecutor | SlurmExecutor]:
    """Where trials are made: by this machine's pool, or by jobs of a cluster that serve the study."""
    prepare_optuna()
    with executor_of(application.launcher(), str(application.config.submit)) as executor:
        if not isinstance(executor, LocalExecutor | SlurmExecutor):
            raise takes_batches(application)
        yield executor


def takes_batches(application: Application) -> AuditionError:
    """What is wrong with a launcher that wants to know all runs beforehand."""
    return AuditionError(
        f"hydra/launcher={application.choice('hydra/launcher')} takes runs in batches, and a search "
        "asks for them one by one: leave the launcher out, and submit this command itself as often "
        "as there are machines; all serve one study"
    )


def make_trials(
    settings: SearchSettings, points: Points, name: str, executor: LocalExecutor
) -> Study:
    """Make every trial that the study lacks, and file its account; returns it to be looked at.

    On KeyboardInterrupt the trials under way are put back, so that the same command goes on.
    """
    with accounted(Ledger(points.output_dir), name, settings.storage):
        return _make_trials(settings, points, name, executor)


def _make_trials(
    settings: SearchSettings, points: Points, name: str, executor: LocalExecutor
) -> Study:
    first_runs = points.runs(())
    evaluations = int(first_runs[0].settings["training"]["evaluations"])
    chosen = settings.pruner_for(len(points.seeds), evaluations)
    inside = evaluations if chosen in INSIDE else 0
    root = points.output_dir
    storage = open_storage(settings.storage, journal_of(root, name))
    queue = queued(settings, points)
    limit = limit_of(settings, queue)
    folder = root / FOLDER / f"{name}.servers"
    with serving(storage, folder, name, asked_for(settings, points), limit) as (study, first):
        if first:
            describe(study, points)
        study.enqueue(queue[:limit])
        study.study.sampler = sampler_of(
            settings, seed_of(settings.sampler_seed, study.server, first)
        )
        steps = len(points.seeds) * max(1, inside)
        study.study.pruner = pruner_of(chosen, settings.prune_p, steps)
        here = executor.settings(first_runs)
        facts = code_provenance(first_runs)
        display = display_for()
        trial_queue = TrialQueue(
            study,
            points,
            objectives_of(settings, points),
            inside=inside,
            prunes=chosen != "none",
            job_of=lambda run: beside(Job.of(run.spec(facts)), here, here.workers),
            say=display.note,
        )
        try:
            _serve(trial_queue, here, executor.server, display)
        except BaseException:
            trial_queue.release()
            raise
        return study


def _serve(
    trial_queue: TrialQueue, settings: PoolSettings, server: Server, display: Display
) -> None:
    """Work while there is any; then wait for other processes' trials, and take over abandoned ones."""
    waited = False
    trial_queue.study.open_elsewhere()
    while True:
        file = filing()

        def on_end(job: Job, end: End, file: Callable[[Job, End], None] = file) -> None:
            file(job, end)
            trial_queue.hear(job, end)

        run_pool([], settings, on_end=on_end, display=display, server=server, source=trial_queue)
        others = trial_queue.study.open_elsewhere()
        if not others and not trial_queue.study.waiting():
            return
        if others and not waited:
            waited = True
            print(
                f"audition: waiting for trials of other processes ({len(others)})", file=sys.stderr
            )
        time.sleep(LOOK_S if others else 0.0)


Queued = tuple[dict[str, Value], tuple[str, ...]]


def limit_of(settings: SearchSettings, queue: Sequence[Queued]) -> int:
    """Trials in all: a grid has no more than its points."""
    return min(settings.trials, len(queue)) if settings.sampler == "grid" else settings.trials


def queued(settings: SearchSettings, points: Points) -> list[Queued]:
    """The points that are tried before any is drawn: the default, known ones, those of a grid.

    Raises AuditionError for a known point outside the space.
    """
    found: list[Queued] = []
    try:
        found.append((points.place(()), ()))
    except AuditionError as error:
        if OUTSIDE not in str(error):
            raise
        print(f"audition: the default is no trial: {error}", file=sys.stderr)
    for line in settings.known or ():
        typed = tuple(line.split())
        found.append((points.place(typed), typed))
    if settings.sampler == "grid":
        for params in grid(points.space):
            typed = overrides(points.space, lambda part, p=params: p[part.name])  # type: ignore[misc]
            found.append((params, typed))
    unlike: dict[str, Queued] = {}
    for params, typed in found:
        unlike.setdefault(str(sorted(params.items())), (params, typed))
    return list(unlike.values())


def grid(space: Space) -> list[dict[str, Value]]:
    """Every combination: of choices all, of a range its steps, or five values evenly spread."""
    columns = [_column(part) for part in space]
    return [{k: v for each in row for k, v in each.items()} for row in product(*columns)]


def _column(part: Dimension | Fork) -> list[dict[str, Value]]:
    if isinstance(part, Fork):
        return [
            {part.name: choice, **inner}
            for choice, branch in part.branches.items()
            for inner in grid(branch)
        ]
    among = part.among
    if isinstance(among, Choices):
        return [{part.name: value} for value in among.values]
    if among.step is not None or (among.whole and among.high - among.low < 5):
        step = among.step or 1
        many = int((among.high - among.low) / step + 1e-9) + 1
        values = [among.low + i * step for i in range(many)]
    else:
        values = grid_values(among.low, among.high, among.log)
    numbers = dict.fromkeys(round(v) if among.whole else v for v in values)
    return [{part.name: value} for value in numbers]
