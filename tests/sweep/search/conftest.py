"""A search in this process: real spaces, plans and studies, and training that is made up."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("optuna", reason="the extra `search` is not installed")
from search_entries import file

from audition.records.store import Ledger
from audition.sweep.arms import Question
from audition.sweep.compose import Composer
from audition.sweep.plan import make_plan
from audition.sweep.pool import End, Job
from audition.sweep.search.make_trials import asked_for, describe, objectives_of, queued
from audition.sweep.search.settings import SearchSettings
from audition.sweep.search.space.points import Points
from audition.sweep.search.study.samplers import pruner_of, sampler_of
from audition.sweep.search.study.serving import seed_of, serving
from audition.sweep.search.study.storage import journal_of, open_storage, prepare_optuna
from audition.sweep.search.study.study import Study
from audition.sweep.search.trial_queue import TrialQueue

LR = {"low": 1e-4, "high": 0.4, "log": True}
SEEDS = (42, 137, 256)


@dataclass
class Searched:
    """A study, and what its process trained and said."""

    study: Study
    points: Points
    trained: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def lines(self) -> dict[str, str]:
        return {str(t.number): t.state.name for t in self.study.trials}


@pytest.fixture
def common(tmp_path: Path, cache_dir: str) -> tuple[str, ...]:
    return (
        "model=tiny",
        "data.evaluation_tokens=512",
        f"paths.output_dir={tmp_path / 'ledger'}",
        f"paths.cache_dir={cache_dir}",
    )


@pytest.fixture
def points(composer: Composer, common: tuple[str, ...]) -> Callable[..., Points]:
    """A space, and further overrides -> its points."""

    def around(space: Any, *more: str, seeds: tuple[int, ...] = SEEDS) -> Points:
        plan = make_plan(Question((*common, *more), (), seeds), composer)
        return Points.around(plan, (), seeds, composer).searched(space)

    return around


@pytest.fixture
def searched(points: Callable[..., Points]) -> Iterator[Callable[..., Searched]]:
    """A space and settings -> the study, with every trial made here and now, one at a time."""
    prepare_optuna()

    def run(
        space: Any, *more: str, name: str = "study", default_last: bool = False, **settings: Any
    ) -> Searched:
        own = points(space, *more)
        wanted = SearchSettings(space=space, **settings)
        ledger = Ledger(own.output_dir)
        asked = asked_for(wanted, own)
        storage = open_storage(None, journal_of(own.output_dir, name))
        with serving(storage, own.output_dir / "servers", name, asked, wanted.trials) as (
            study,
            first,
        ):
            if first:
                describe(study, own)
            study.enqueue(queued(wanted, own)[:: -1 if default_last else 1])
            study.study.sampler = sampler_of(wanted, seed_of(0, study.server, first))
            chosen = wanted.pruner_for(3, 2)
            study.study.pruner = pruner_of(chosen, wanted.prune_p, 3)
            result = Searched(study, own)
            desk = TrialQueue(
                study,
                own,
                objectives_of(wanted, own),
                inside=0,
                prunes=chosen != "none",
                job_of=lambda run: Job.of(run.spec({})),
                say=result.said.append,
            )
            while (job := desk.take()) is not None:
                _, planned = desk._jobs[job]
                result.trained.append(planned.label)
                file(planned.record, planned.settings)
                desk.hear(job, End(status="ok", seconds=0.0))
        assert ledger.root.exists()
        return result

    return run
