"""A sweep on a real Slurm: one array, and the records, the skipping and the verdict of home."""

import time
from dataclasses import replace
from typing import Any

import pytest
from warm import PATIENCE_S

pytestmark = pytest.mark.slurm

QUESTION = ("+idea=spectral_gate", "seed=42,137")
SMALL = ("hydra.launcher.mem_gb=1", "hydra.launcher.timeout_min=5")


def test_a_sweep_is_one_array_with_the_numbers_of_home(
    slurm: Any, door: Any, tmp_path: Any
) -> None:
    at_home = replace(door, output=tmp_path / "home")
    assert at_home.train(*QUESTION).returncode == 0
    before = slurm.jobs()
    theirs = door.train(
        "hydra/launcher=submitit_slurm", *QUESTION, *SMALL, environment=slurm.environment
    )
    assert theirs.returncode == 0, theirs.stderr
    jobs = slurm.jobs().keys() - before.keys()
    assert {job.partition("_")[2] for job in jobs} == set("0123")
    assert len({job.partition("_")[0] for job in jobs}) == 1

    home, cluster = at_home.records(), door.records()
    assert home.keys() == cluster.keys()
    for name, record in cluster.items():
        assert record.metrics == home[name].metrics
        assert (record.key, record.baseline_hash) == (home[name].key, home[name].baseline_hash)
    again = door.train(*QUESTION)
    assert "4 in the ledger, 0 to train" in again.stderr
    assert again.stdout == theirs.stdout
    assert "as planned" in theirs.stdout


def test_a_preset_submits_what_is_missing(slurm: Any, door: Any) -> None:
    assert door.train("+idea=placebo", "seed=1").returncode == 0
    before = slurm.jobs()
    words = ("hydra/launcher=slurm_cpu", "+idea=placebo", "seed=1,2", *SMALL)
    ended = door.train(*words, environment=slurm.environment)
    assert ended.returncode == 0, ended.stderr
    assert "2 in the ledger, 2 to train" in ended.stderr
    jobs = slurm.jobs().keys() - before.keys()
    assert len(jobs) == 2
    (folder,) = (f for f in (door.output / "slurm").iterdir() if f.is_dir())
    assert {f"{folder.name}_{n}" for n in range(2)} == jobs
    assert f"{folder.name}_0_0_log.err" in {path.name for path in folder.iterdir()}
    assert "cpus-per-task=1" in (folder / f"{folder.name}_submission.sh").read_text()


def test_with_real_accounting(slurm_with_accounting: Any, door: Any) -> None:
    words = ("hydra/launcher=slurm_cpu", "seed=1,2", *SMALL)
    ended = door.train(*words, environment=slurm_with_accounting.environment)
    assert ended.returncode == 0, ended.stderr
    assert {record.status for record in door.records().values()} == {"finished"}
    command = ("sacct", "--noheader", "--allocations", "--format=State")
    deadline = time.monotonic() + PATIENCE_S  # a run is filed before its job has ended
    while (states := slurm_with_accounting.ask(*command).split()) != ["COMPLETED"] * 2:
        assert time.monotonic() < deadline, states
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("hydra/launcher=slurm_cpu", "hydra.launcher.timeout_min=2"),
            "leaves no time to train before the warning",
        ),
        (("hydra/launcher=slurm_cpu", "hydra.launcher.partition=nowhere"), "invalid partition"),
        (("hydra/launcher=slurm_cpu", "hydra.launcher.mem_gb=999"), "not available"),
        (("hydra/launcher=slurm_gpu",), "add execution.device=cuda"),
    ],
)
def test_what_the_cluster_cannot_give_is_one_sentence(
    slurm: Any, door: Any, words: tuple[str, ...], sentence: str
) -> None:
    ended = door.train(*words, "seed=1,2", environment=slurm.environment)
    assert ended.returncode == 2
    assert sentence in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
    assert not door.records()


def test_without_slurm_a_sweep_says_so(door: Any, tmp_path: Any) -> None:
    ended = door.train("hydra/launcher=slurm_cpu", "seed=1", environment={"PATH": str(tmp_path)})
    assert ended.returncode == 2
    assert "Slurm's sbatch is not on this machine" in ended.stderr.splitlines()[-1]
