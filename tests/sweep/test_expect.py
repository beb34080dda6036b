"""How long runs should take: from the ledger, by their work, and by the speed of those known."""

from collections.abc import Callable
from pathlib import Path

import pytest

from audition.records.store import Ledger
from audition.sweep.arms import Question
from audition.sweep.compose import Composer
from audition.sweep.expect import expected_seconds, work
from audition.sweep.plan import PlannedRun, make_plan
from audition.sweep.pool import Job


@pytest.fixture
def planned(
    ask: Callable[[str], Question], composer: Composer, tmp_path: Path
) -> Callable[[str], tuple[PlannedRun, ...]]:
    return lambda line: make_plan(ask(f"paths.output_dir={tmp_path} {line}"), composer).runs


def file(run: PlannedRun, seconds: float, status: str = "finished") -> None:
    ledger = Ledger(Path(run.settings["paths"]["output_dir"]))
    ledger.write(run.record.ended(status, seconds=seconds))  # type: ignore[arg-type]


def test_work_is_weights_times_tokens(planned: Callable[[str], tuple[PlannedRun, ...]]) -> None:
    (run,) = planned("model=tiny budget.steps=10 seed=1")
    assert work(run.settings) == 12 * 2 * 32**2 * 10 * 8 * 32


def test_a_wider_arm_should_take_longer_before_anything_is_known(
    planned: Callable[[str], tuple[PlannedRun, ...]],
) -> None:
    runs = planned("model=tiny budget.steps=10 model.width=64 seed=1")
    wide, narrow = expected_seconds(planned("model=tiny model.width=32,64 seed=1"))[::-1]
    assert wide is not None
    assert narrow is not None
    assert wide == pytest.approx(4 * narrow)
    assert Job.of(runs[0].spec({}), 3.0).expected_seconds == 3.0


def test_an_arm_takes_what_its_finished_runs_took_and_sets_the_speed_of_the_others(
    planned: Callable[[str], tuple[PlannedRun, ...]],
) -> None:
    runs = planned("model=tiny model.width=32,64 seed=1,2,3,4")
    narrow = [run for run in runs if run.settings["model"]["width"] == 32]
    file(narrow[0], 10.0)
    file(narrow[1], 14.0)
    file(narrow[2], 999.0, "failed")
    for run, seconds in zip(runs, expected_seconds(runs), strict=True):
        assert seconds == pytest.approx(12.0 if run in narrow else 48.0)


def test_minutes_are_minutes(planned: Callable[[str], tuple[PlannedRun, ...]]) -> None:
    runs = planned("model=tiny budget.minutes=2 seed=1,2")
    assert expected_seconds(runs) == [120.0, 120.0]
    file(runs[0], 150.0)
    assert expected_seconds(runs) == [150.0, 150.0]
