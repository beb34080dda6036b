"""The parent is interrupted or killed: nothing goes on behind its back."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pool_told import HERE, alive, until

GRACE_S = 10.0 if "COVERAGE_PROCESS_CONFIG" in os.environ else 2.0
"""Longer than a run that leaves takes; under coverage each process also writes down what it ran."""


@contextmanager
def sweep(mode: str, folder: Path, grace_s: float = 600.0) -> Iterator["subprocess.Popen[str]"]:
    """A sweep in a session of its own, as a terminal would give it."""
    path = os.pathsep.join([str(HERE), *filter(None, sys.path)])
    with subprocess.Popen(
        [sys.executable, str(HERE / "pool_script.py"), mode, str(folder), str(grace_s)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def pids_of(folder: Path) -> list[int]:
    """Both runs, their server, and what they started, once all are there."""
    until(lambda: (folder / "one").exists() and (folder / "two").exists())
    return [pid for name in ("one", "two") for pid in json.loads((folder / name).read_text())]


@pytest.mark.parametrize("mode", ["hang", "stubborn"])
def test_a_killed_parent_leaves_no_process_behind(tmp_path: Path, mode: str) -> None:
    with sweep(mode, tmp_path) as process:
        pids = pids_of(tmp_path)
        assert all(map(alive, pids))
        process.kill()
        until(lambda: not any(map(alive, pids)))
    assert (tmp_path / "one.term").exists()


@pytest.mark.parametrize(
    ("mode", "second"),
    [("hang", "interrupted 143"), ("stubborn", "interrupted -9"), ("finish", "ok 0")],
)
def test_ctrl_c_asks_first_and_kills_after_the_grace(
    tmp_path: Path, mode: str, second: str
) -> None:
    with sweep(mode, tmp_path, GRACE_S if mode == "stubborn" else 600.0) as process:
        pids = pids_of(tmp_path)
        os.killpg(process.pid, signal.SIGINT)
        out, errors = process.communicate(timeout=500)  # of the ten minutes that they would take
    assert "KeyboardInterrupt" in errors
    assert process.returncode == -signal.SIGINT
    assert out.splitlines() == ["one interrupted 143", f"two {second}"]
    assert (tmp_path / "one.term").read_text() == "SIGTERM"
    assert not (tmp_path / "never started").exists()
    assert not any(map(alive, pids))


def test_a_second_ctrl_c_skips_the_grace(tmp_path: Path) -> None:
    with sweep("stubborn", tmp_path) as process:
        pids = pids_of(tmp_path)
        os.killpg(process.pid, signal.SIGINT)
        until(lambda: (tmp_path / "one.term").exists())
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=500)
    assert not any(map(alive, pids))


def test_only_the_children_have_torch(tmp_path: Path) -> None:
    with sweep("torch", tmp_path) as process:
        out, errors = process.communicate(timeout=500)
    assert errors == ""
    report, end, parent = out.splitlines()
    assert report == str({"preloaded": True, "threads": 2, "server_threads": 1, "total": 300.0**3})
    assert end == "t ok 0"
    assert parent == "torch in the parent: False"
