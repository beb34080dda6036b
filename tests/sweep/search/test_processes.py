"""Several processes serve one study, one of them is killed, and what it held is done by another."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import optuna
import pytest

from audition.sweep.search.study.storage import journal_of, open_storage, prepare_optuna
from audition.sweep.search.study.study import counts

ROOT = Path(__file__).parents[3]
SUPPORT = ROOT / "tests" / "support"


def serve(folder: Path, cache: str, trials: int, seconds: float, *storage: str) -> Any:
    return subprocess.Popen(
        [
            sys.executable,
            str(SUPPORT / "search_script.py"),
            *(str(folder), cache, str(trials), str(seconds), *storage),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"src:{SUPPORT}"},
        stderr=subprocess.PIPE,
        text=True,
    )


def trained(folder: Path) -> Counter[str]:
    path = folder / "trained"
    return Counter(path.read_text().split() if path.exists() else ())


def until(process: Any, folder: Path, runs: int) -> None:
    deadline = time.monotonic() + 60
    while sum(trained(folder).values()) < runs:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def study_at(folder: Path, storage: str | None = None) -> optuna.Study:
    prepare_optuna()
    opened = open_storage(storage, journal_of(folder, "shared"))
    return optuna.load_study(study_name="shared", storage=opened)


def states(study: optuna.Study) -> Counter[str]:
    return Counter(t.state.name for t in study.trials if counts(t))


@pytest.mark.parametrize("second", [True, False], ids=["beside a second", "and resumed"])
def test_what_a_killed_process_held_is_done_once(
    tmp_path: Path, cache_dir: str, second: bool
) -> None:
    first = serve(tmp_path, cache_dir, 8, 0.2)
    until(first, tmp_path, 2)
    if second:
        other = serve(tmp_path, cache_dir, 8, 0.2)
        until(first, tmp_path, 4)
    first.send_signal(signal.SIGKILL)
    first.wait()
    first.stderr.close()
    if not second:
        assert states(study_at(tmp_path))["RUNNING"] > 0
        other = serve(tmp_path, cache_dir, 8, 0.01)
    _, said = other.communicate(timeout=120)
    assert other.returncode == 0, said
    study = study_at(tmp_path)
    assert states(study) == {"COMPLETE": 8}
    assert [t for t in study.trials if t.user_attrs.get("lost")]
    assert set(trained(tmp_path).values()) == {1}  # what had ended came from the ledger
    assert study.trials[0].params == {"optimizer.lr": 0.004}
    assert list((tmp_path / "studies").glob("*.servers/*/claim*")) == []
