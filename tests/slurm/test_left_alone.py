"""Submit and leave: whoever sees the folder can look, collect and cancel, and nothing runs twice."""

import json
import signal
import time
from typing import Any

import pytest
from warm import PATIENCE_S

pytestmark = pytest.mark.slurm

SLURM = ("hydra/launcher=slurm_cpu", "hydra.launcher.mem_gb=2")
LONG = ("budget.steps=100000", "training.evaluations=1")


def test_submitted_packed_looked_at_and_collected(slurm: Any, door: Any) -> None:
    words = (*SLURM, "hydra.launcher.runs_per_job=2", "submit=detach", "+idea=placebo", "seed=1,2")
    before = slurm.jobs()
    left = door.train(*words, environment=slurm.environment)
    assert left.returncode == 0, left.stderr
    assert "4 runs submitted in 2 jobs as Slurm job" in left.stderr
    assert len(slurm.jobs().keys() - before.keys()) == 2
    again = door.train(*words, environment=slurm.environment)
    assert again.returncode == 0, again.stderr
    assert len(slurm.jobs().keys() - before.keys()) == 2

    status = door.ask("status", "--json", environment=slurm.environment)
    runs = json.loads(status.stdout)["runs"]
    assert [(run["arm"], run["seed"]) for run in runs] == [
        ("baseline", 1),
        ("baseline", 2),
        ("placebo", 1),
        ("placebo", 2),
    ]
    collected = door.ask("collect", "--wait", environment=slurm.environment)
    assert collected.returncode == 0, collected.stderr
    assert "2 seeds against 2 of the baseline; as planned" in " ".join(collected.stdout.split())
    assert {record.status for record in door.records().values()} == {"finished"}
    assert "4 in the ledger, 0 to train" in door.train("+idea=placebo", "seed=1,2").stderr


def test_a_job_carries_the_code_of_its_submission(slurm: Any, door: Any) -> None:
    left = door.train(*SLURM, "seed=1", "submit=detach", environment=slurm.environment)
    assert left.returncode == 0, left.stderr
    (copy,) = (door.output / "code").iterdir()
    (script,) = (door.output / "slurm").glob("*/*_submission.sh")
    assert f"export PYTHONPATH={copy}" in script.read_text()
    assert (copy / "audition" / "training" / "loop.py").is_file()
    assert door.ask("collect", "--wait", environment=slurm.environment).returncode == 0


def test_what_was_cancelled_is_failed_with_its_reason_and_goes_on_later(
    slurm: Any, door: Any
) -> None:
    words = (*SLURM, "seed=1,2", "submit=detach", *LONG, "hydra.launcher.array_parallelism=1")
    assert door.train(*words, environment=slurm.environment).returncode == 0
    door.await_step(50)
    waiting = door.ask("collect", environment=slurm.environment)
    assert waiting.returncode == 1
    assert "not all runs are over" in waiting.stderr
    cancelled = door.ask("cancel", environment=slurm.environment)
    assert cancelled.returncode == 0, cancelled.stderr
    deadline = time.monotonic() + PATIENCE_S
    while {record.status for record in door.records().values()} != {"failed"}:
        assert time.monotonic() < deadline, door.records()
        door.ask("status", environment=slurm.environment)
        time.sleep(1.0)
    assert "it was cancelled" in door.records()["baseline 1"].reason
    folder = door.output / "runs" / "baseline"
    assert list(folder.glob("*/seed_1/checkpoint.pt"))


def test_a_killed_job_is_noticed_by_who_waits_without_accounts(slurm: Any, door: Any) -> None:
    environment = dict(slurm.environment)
    environment["PATH"] = environment["PATH"].partition(":")[2]
    words = (*SLURM, "seed=1,2", "budget.steps=2000", "hydra.launcher.name=killed")
    with door.begin(*words, environment=environment) as sweep:
        door.await_step(20)
        job = min(job for job, state in slurm.jobs().items() if state == "RUNNING")
        slurm.ask("scancel", "--signal=KILL", "--full", job)
        _, said = sweep.communicate(timeout=PATIENCE_S)
    assert sweep.returncode == 1
    assert "left the queue without an outcome" in said
    states = sorted(record.status for record in door.records().values())
    assert states == ["failed", "finished"]


def test_after_ctrl_c_the_jobs_go_on_and_how_to_look_after_them_is_said(
    slurm: Any, door: Any
) -> None:
    with door.begin(*SLURM, "seed=1,2", environment=slurm.environment) as sweep:
        deadline = time.monotonic() + PATIENCE_S
        while not list((door.output / "submissions").glob("*.json")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        sweep.send_signal(signal.SIGINT)
        _, said = sweep.communicate(timeout=PATIENCE_S)
    assert sweep.returncode == 130
    assert "goes on without this process" in said
    assert door.ask("collect", "--wait", environment=slurm.environment).returncode == 0
