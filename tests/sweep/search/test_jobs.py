"""What a cluster's job is told to do, and how a process that serves a study takes its leave."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audition.sweep import executors
from audition.sweep.cluster.code import snapshot
from audition.sweep.executors import SlurmExecutor
from audition.sweep.search.jobs import SearchJobs, door, typed_for_jobs
from audition.sweep.search.settings import SearchSettings
from audition.sweep.signals import SIGNALS, interrupt_on_signals


def told(number: int) -> None:
    """Be told to leave, and told again while leaving."""
    with interrupt_on_signals():
        try:
            os.kill(os.getpid(), number)
            time.sleep(5.0)
        finally:
            for each in SIGNALS:
                os.kill(os.getpid(), each)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_notice_is_an_interrupt_once(number: int) -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    with pytest.raises(KeyboardInterrupt):
        told(number)
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_a_job_is_told_what_was_typed_without_what_was_meant_for_here(
    points: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = points({"optimizer.lr": {"low": 1e-3, "high": 0.1}})
    typed = ["hydra/launcher=slurm_cpu", "model=tiny", "hydra.launcher.mem_gb=2", "submit=detach"]
    monkeypatch.setattr(sys, "argv", ["train.py", *typed, "-m", "--config-dir", "mine"])
    words = typed_for_jobs(own.runs(())[0], "one")
    assert words[:3] == ["--config-dir=mine", "-m", "model=tiny"]
    assert words[3:6] == [
        "hydra/launcher=pool",
        "hydra.sweeper.study='one'",
        "hydra.sweeper.write=null",
    ]
    assert f"paths.output_dir='{own.output_dir.absolute()}'" in words
    assert "arm.device=cpu" in words
    assert not any("slurm" in word or "submit" in word for word in words)


def test_a_snapshot_holds_all_that_a_job_composes_from(tmp_path: Path) -> None:
    copy = snapshot(tmp_path, ["audition"], door())
    assert (copy / "audition" / "conf" / "audition.yaml").is_file()
    assert (copy / "hydra_plugins" / "audition_sweepers.py").is_file()
    assert snapshot(tmp_path, ["audition"], door()) == copy
    assert snapshot(tmp_path, ["audition"]) != copy


def test_what_jobs_would_train_is_rehearsed_here_first(
    points: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(executors, "rehearse", lambda runs, server: seen.append((runs, server)))
    space = {"optimizer.lr": {"low": 1e-3, "high": 0.1}}
    own, server, cluster = points(space), Any, Any
    executor = SlurmExecutor(cluster, False, server)
    jobs = SearchJobs(executor, SearchSettings(space=space, trials=2), own, "one")
    jobs.check(own.runs(()))
    assert seen == [(own.runs(()), server)]
