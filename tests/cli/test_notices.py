"""Asked to leave by a signal or by a terminal that is closed: runs end with a checkpoint and a word."""

import os
import signal
from typing import Any

import pytest
from warm import PATIENCE_S

STEPS = 100_000
"""More than a test waits for: the run can end by being asked alone."""


def under_way(records: Any) -> Any:
    """A run that is being trained."""
    return next((r for r in records.values() if r["status"] == "running"), None)


def trained_some(place: Any) -> Any:
    """For `until`: the running record, once its run has lines in its metrics."""
    return lambda records: next(
        (p for p in place.output.glob("runs/*/*/*/metrics.jsonl") if p.stat().st_size > 1000), None
    )


def assert_interrupted(place: Any, names: set[str]) -> None:
    """The runs stopped at a step, and their checkpoints are there to go on from."""
    records = place.records()
    assert set(records) == names
    for record in records.values():
        assert record["status"] == "interrupted"
        assert record["steps"] > 0
    assert len(list(place.output.glob("runs/*/*/*/checkpoint.pt"))) == len(names)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1])
def test_a_single_run_ends_with_its_checkpoint(place: Any, number: signal.Signals) -> None:
    place.steps = STEPS
    with place.begin("seed=7") as run:
        place.until(run, trained_some(place))
        run.send_signal(number)
        said = run.communicate(timeout=PATIENCE_S)[1]
    assert run.returncode == 130, said
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    assert_interrupted(place, {"baseline 7"})


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_sweep_ends_its_runs_with_their_checkpoints(place: Any, number: signal.Signals) -> None:
    place.steps = STEPS
    with place.begin("hydra.launcher.workers=1", "seed=1,2", "-m") as sweep:
        place.until(sweep, trained_some(place))
        sweep.send_signal(number)
        sweep.send_signal(number)  # as a shell and the system both do when a terminal is closed
        said = sweep.communicate(timeout=PATIENCE_S)[1]
    assert sweep.returncode == 130, said
    assert "Stopped with 0 of 2 runs in the ledger" in said
    assert_interrupted(place, {"baseline 1"})


def test_a_worker_that_is_hung_up_on_ends_with_its_checkpoint(place: Any) -> None:
    place.steps = STEPS
    with place.begin("hydra.launcher.workers=1", "seed=1", "-m") as sweep:
        place.until(sweep, trained_some(place))
        os.kill(under_way(place.records())["pid"], signal.SIGHUP)
        sweep.communicate(timeout=PATIENCE_S)
    assert sweep.returncode == 1
    assert_interrupted(place, {"baseline 1"})


def test_a_run_outlives_the_end_of_its_terminal_to_its_checkpoint(place: Any) -> None:
    """What it still prints has nowhere to go, and must not end it otherwise."""
    place.steps = STEPS
    ours, theirs = os.openpty()
    with place.begin("seed=7", streams=(theirs, theirs), terminal=True) as run:
        os.close(theirs)
        place.until(run, trained_some(place))
        os.close(ours)
        assert run.wait(timeout=PATIENCE_S) == 130
    assert_interrupted(place, {"baseline 7"})


def test_under_nohup_a_hangup_changes_nothing(place: Any) -> None:
    place.steps = STEPS
    with place.begin("seed=7", ignores=[signal.SIGHUP]) as run:
        path = place.until(run, trained_some(place))
        run.send_signal(signal.SIGHUP)
        size = path.stat().st_size
        place.until(run, lambda records: path.stat().st_size > size + 2000)
        assert under_way(place.records())
        run.send_signal(signal.SIGTERM)
        assert run.wait(timeout=PATIENCE_S) == 130
