"""A controller that is killed forgets that a job was over; no sweep waits for that job for ever."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.slurm.conftest import SCRIPTS, box
from warm import PATIENCE_S

from audition.records.store import Ledger
from audition.records.submission import submissions
from audition.sweep.cluster import signs_of_life
from audition.sweep.cluster.follow import follow

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

WORDS = (
    "hydra/launcher=slurm_cpu",
    "hydra.launcher.mem_gb=2",
    "seed=1",
    "budget.steps=8000",
    "training.evaluations=1",
)
SAVED_S = 7.0
"""The controller saves what has happened within five seconds."""
GONE_S = 15.0
"""Slurm's KillWait is five seconds, in which a job's processes are ended."""


def test_a_job_that_only_its_controller_believes_in(
    door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with box() as slurm:
        left = door.train(*WORDS, "submit=detach", environment=slurm.environment)
        assert left.returncode == 0, left.stderr
        door.await_step(20)
        time.sleep(SAVED_S)
        (job,) = slurm.jobs()
        slurm.ask("scancel", job)
        time.sleep(1.0)
        controller = Path(slurm.environment["SLURM_BOX"]) / "run" / "slurmctld.pid"
        os.kill(int(controller.read_text()), signal.SIGKILL)
        time.sleep(GONE_S)
        subprocess.run([SCRIPTS / "up.sh"], env=slurm.environment, check=True, capture_output=True)
        assert slurm.jobs() == {job: "RUNNING"}
        assert door.records()["baseline 1"].status == "interrupted"

        for name, value in slurm.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(signs_of_life, "NO_SIGN_S", 10.0)
        ledger = Ledger(door.output)
        (submission,) = submissions(ledger.root)
        follow(ledger, submission)
        record = door.records()["baseline 1"]
        assert record.status == "failed"
        assert f"job {job} is lost: Slurm calls it RUNNING" in record.reason
        assert f"`scancel {job}` removes it" in record.reason

        again = door.train(*WORDS, environment=slurm.environment)
        assert again.returncode == 0, again.stderr
        assert door.records()["baseline 1"].status == "finished"
        assert len(slurm.jobs()) == 2
        slurm.ask("scancel", job)
        deadline = time.monotonic() + PATIENCE_S
        while slurm.jobs()[job] not in ("CANCELLED", "COMPLETED", "FAILED"):
            assert time.monotonic() < deadline, slurm.jobs()
            time.sleep(0.5)
