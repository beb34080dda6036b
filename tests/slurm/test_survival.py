"""A job that is put back into the queue goes on with the same run, bit for bit."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from warm import PATIENCE_S

pytestmark = pytest.mark.slurm

SLURM = ("hydra/launcher=slurm_cpu", "hydra.launcher.mem_gb=2")
LASTING = ("budget.steps=1500", "model.dropout=0.1", "seed=1")


@pytest.fixture(scope="module")
def undisturbed(at_home: Any) -> Any:
    """The record of the same run, made here."""
    assert at_home.train(*LASTING).returncode == 0
    return at_home.records()["baseline 1"]


def test_requeued(slurm: Any, door: Any, undisturbed: Any) -> None:
    with door.begin(*SLURM, *LASTING, environment=slurm.environment) as sweep:
        door.await_step(200)
        slurm.ask("scontrol", "requeue", running(slurm))
        _, said = sweep.communicate(timeout=PATIENCE_S)
    assert sweep.returncode == 0, said
    record = door.records()["baseline 1"]
    assert (record.metrics, record.weights) == (undisturbed.metrics, undisturbed.weights)
    path = next((door.output / "runs" / "baseline").glob("*/seed_1")) / "metrics.jsonl"
    lines = map(json.loads, path.read_text().splitlines())
    steps = [line["step"] for line in lines if "train/loss" in line]
    assert steps == sorted(set(steps))  # none twice, those of a look at held-out rows among them
    assert [step for step in steps if step % 10 == 0] == list(range(10, 1501, 10))


def test_preempted_by_a_more_urgent_job(slurm: Any, door: Any, undisturbed: Any) -> None:
    whole = ("hydra.launcher.cpus_per_task=4",)
    with door.begin(*SLURM, *whole, *LASTING, environment=slurm.environment) as sweep:
        door.await_step(200)
        slurm.ask(
            "sbatch", "--partition=urgent", "--cpus-per-task=4", "--output=/dev/null", "--wrap=true"
        )
        _, said = sweep.communicate(timeout=PATIENCE_S)
    assert sweep.returncode == 0, said
    record = door.records()["baseline 1"]
    assert (record.metrics, record.weights) == (undisturbed.metrics, undisturbed.weights)


@pytest.mark.slow
def test_time_limits_in_a_row(slurm: Any, door: Any, tmp_path: Any) -> None:
    lasting = ("budget.steps=14000", "seed=1", "training.evaluations=1")
    at_home = replace(door, output=tmp_path / "home")
    assert at_home.train(*lasting).returncode == 0
    limits = ("hydra.launcher.timeout_min=1", "hydra.launcher.signal_delay_s=20")
    with door.begin(*SLURM, *limits, *lasting, environment=slurm.environment) as sweep:
        _, said = sweep.communicate(timeout=1200)
    assert sweep.returncode == 0, said
    mine, theirs = door.records()["baseline 1"], at_home.records()["baseline 1"]
    assert (mine.metrics, mine.weights) == (theirs.metrics, theirs.weights)


def running(slurm: Any) -> str:
    """The one job that runs, once it does."""
    deadline = time.monotonic() + PATIENCE_S
    while not (jobs := [job for job, state in slurm.jobs().items() if state == "RUNNING"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return str(jobs[0])
