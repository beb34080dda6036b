"""A pool as wide as was measured here, from the launcher's settings to what the sweep says."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from audition.measured import Pool, remember
from audition.sweep import executors
from audition.sweep.arms import Question
from audition.sweep.compose import Composer
from audition.sweep.executors import executor_of
from audition.sweep.plan import make_plan
from hydra_plugins.audition_launchers import PoolLauncher


def test_a_pool_goes_by_what_was_measured_and_says_so_once(
    ask: Callable[[str], Question],
    composer: Composer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs = make_plan(ask("model=tiny seed=1,2"), composer).runs
    capsys.readouterr()  # the first plan of a session makes the tokens
    remember(tmp_path, Pool("cpu", 1, "fp32", 7, 1, 9.0, ("aaaa",), "2026-01-02T03:04:05"), {})
    trained: list[Any] = []
    monkeypatch.setattr(executors, "warm", nullcontext)
    monkeypatch.setattr(executors, "train_all", lambda *given: trained.append(given))
    launcher = PoolLauncher()
    execution = {"device": "cpu", "threads": 1}
    launcher.config = OmegaConf.create(
        {"execution": execution, "paths": {"cache_dir": str(tmp_path)}}
    )
    with executor_of(launcher) as executor:
        executor.train(())
        assert capsys.readouterr().err == ""
        executor.train(runs[:1])
        executor.train(runs[1:])
    assert [(given, settings.workers) for given, settings, _ in trained] == [
        (runs[:1], 7),
        (runs[1:], 7),
    ]
    said = "audition: 7 at once, as `audition bench` measured on 2026-01-02.\n"
    assert capsys.readouterr().err == said
