"""Where the runs of a submitted plan stand, with a `squeue` that answers as told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from audition.records.record import Record
from audition.records.registration import Registration, register
from audition.records.store import Ledger
from audition.records.submission import Submission, SubmittedJob, keep
from audition.sweep.cluster.campaigns import find

PLAN = Registration(
    baseline_hash="c" * 16,
    baseline_seeds=(1, 2),
    arms=(),
    metric="val_loss",
    sesoi=0.005,
    command="python -m src.train seed=1,2 -m",
)


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """Both runs are queued: of the first job, 7, and after its end the first of them in job 8."""
    ledger = Ledger(tmp_path / "outputs")
    register(ledger.root, PLAN)
    for seed in PLAN.baseline_seeds:
        ledger.write(
            Record(
                key=f"{seed:032x}",
                config_hash=PLAN.baseline_hash,
                baseline_hash=PLAN.baseline_hash,
                arm="baseline",
                ideas=(),
                seed=seed,
                status="queued",
            )
        )
    for number, (job, seeds) in enumerate({"7": (1, 2), "8": (1,)}.items()):
        runs = tuple(f"baseline/{PLAN.baseline_hash}/seed_{seed}" for seed in seeds)
        keep(
            ledger.root,
            Submission(
                plan=PLAN.digest(),
                cluster="slurm",
                jobs=(SubmittedJob(id=job, runs=runs, log=str(tmp_path / "log")),),
                probe="",
                written=f"2026-01-0{1 + number}T00:00:00+00:00",
            ),
        )
    (tmp_path / "squeue").write_text(
        '#!/bin/sh\ncase "$*" in\n'
        '*=7) echo "7|CANCELLED|N/A|None";;\n*) echo "8|PENDING|N/A|None";;\nesac\n'
    )
    (tmp_path / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return ledger


def test_a_run_that_was_submitted_anew_is_not_lost_with_its_first_job(ledger: Ledger) -> None:
    found = find(ledger.root, None, grace_s=0.0)
    assert [(state.seed, state.word) for state in found.states] == [(1, "queued"), (2, "failed")]
    assert "job 7 left the queue without an outcome: it was cancelled" in found.states[1].detail
    assert "job 8 waits" in found.states[0].detail


def test_where_runs_stand_is_told_without_the_statistics(ledger: Ledger) -> None:
    code = (
        "import sys; from audition.cli.ledger import carry_out; "
        f"carry_out(['status', '--output-dir', {str(ledger.root)!r}]); "
        "assert not {'numpy', 'scipy', 'torch'} & set(sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert "it was cancelled" in told.stdout
