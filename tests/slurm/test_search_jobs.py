"""A search that jobs of a real Slurm serve: one is cancelled in the middle, and nothing is lost."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from warm import PATIENCE_S

pytest.importorskip("optuna", reason="the extra `search` is not installed")
pytestmark = pytest.mark.slurm

STEPS, TRIALS, SEEDS = 100, 6, (1, 2)
SPACE = "hydra.sweeper.space={optimizer.lr:{low:1e-4,high:1e-1,log:true}}"
SEARCH = (
    "hydra/sweeper=search",
    SPACE,
    f"hydra.sweeper.trials={TRIALS}",
    "hydra.sweeper.study=shared",
    "hydra.sweeper.candidates=1",
    "hydra.sweeper.fresh_seeds=2",
    "seed=1,2",
    f"budget.steps={STEPS}",
)
JOBS = (
    "hydra/launcher=slurm_cpu",
    "hydra.launcher.servers=2",
    "hydra.launcher.cpus_per_task=2",
    "hydra.launcher.mem_gb=2",
)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def servers(journal: Path) -> Counter[str]:
    """Server -> how many trials it took."""
    attributes = [line.get("user_attr", {}) for line in lines(journal)]
    return Counter(each["server"] for each in attributes if "server" in each)


def test_two_jobs_serve_one_study_and_one_is_cancelled(slurm: Any, door: Any) -> None:
    journal = door.output / "studies" / "shared.log"
    before = slurm.jobs()
    with door.begin(*SEARCH, *JOBS, environment=slurm.environment) as waiting:
        deadline = time.monotonic() + PATIENCE_S
        while len(servers(journal)) < 2 or len(door.records()) < 4:
            assert waiting.poll() is None, waiting.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        cancelled = min(slurm.jobs().keys() - before.keys())
        slurm.ask("scancel", cancelled)
        stdout, stderr = waiting.communicate(timeout=PATIENCE_S)
    assert waiting.returncode == 0, stderr
    jobs = {job: state for job, state in slurm.jobs().items() if job not in before}
    assert jobs.pop(cancelled) == "CANCELLED"
    assert list(jobs.values()) == ["COMPLETED"]

    # Who left has put back what it held, and the other has not had to find it.
    said = lines(journal)
    left = {line["worker_id"] for line in said if "lost" in line.get("user_attr", {})}
    assert len(left) == 1
    assert said[-1]["worker_id"] not in left

    import optuna

    from audition.sweep.search.study.storage import journal_of, open_storage
    from audition.sweep.search.study.study import counts

    study = optuna.load_study(
        study_name="shared", storage=open_storage(None, journal_of(door.output, "shared"))
    )
    trials = [trial for trial in study.trials if counts(trial)]
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * TRIALS
    assert len({trial.user_attrs["server"] for trial in study.trials}) == 2
    made = {(trial.user_attrs["run"]["config_hash"], seed) for trial in trials for seed in SEEDS}
    records = {(record.config_hash, record.seed): record for record in door.records().values()}
    assert {record.status for record in records.values()} == {"finished"}
    assert made <= records.keys()
    judged = "2 seeds against 2 of the baseline; as planned" in " ".join(stdout.split())
    # The best and the default on fresh seeds, where a trial beat the default.
    assert len(records) == len(made) + (4 if judged else 0)

    for path in (door.output / "runs").glob("**/metrics.jsonl"):
        ends = [line for line in lines(path) if line["step"] == STEPS and "val/loss" in line]
        assert len(ends) == 1, path
    assert judged or "No trial beat the default" in stderr
    assert "The answer:" in stderr or "the default stands" in stderr or not judged
    assert "finished in" not in stderr  # the process that waits trains nothing


def test_without_slurm_a_search_says_so(door: Any, tmp_path: Any) -> None:
    ended = door.train(*SEARCH, JOBS[0], environment={"PATH": str(tmp_path)})
    assert ended.returncode == 2
    assert "Slurm's sbatch is not on this machine" in ended.stderr.splitlines()[-1]
    assert not door.records()
