"""The soak itself, small: the same disturbances, fewer of them.

Each of them alone is tried where it belongs: `cli/test_faults`, `core/test_survival`, `sweep/pool`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="processes are found by their environment"
)


def soak(*words: str) -> str:
    """What `python -m scripts.soak` says at its end, which must be a good one."""
    command = [sys.executable, "-m", "scripts.soak", *words]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Every run exists once" in ended.stdout
    return ended.stdout


@pytest.mark.slow
def test_the_pool_survives_its_monkeys() -> None:
    assert "| pool | SIGKILL of " in soak("--runs=10", "--minutes=5", "--without", "slurm", "local")


@pytest.mark.slow
@pytest.mark.slurm
@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("apt-get") is None, reason="no Slurm can be started here"
)
def test_all_launchers_survive_theirs() -> None:
    table = soak("--runs=15", "--minutes=15", "--seed=1")
    for stage in ("pool", "submitit_local", "Slurm"):
        assert f"| {stage} | 5 |" in table
