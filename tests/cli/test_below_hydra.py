"""Sweepers, launchers and sweeps that cannot be: refused through the door, with nothing done."""

from collections.abc import Callable
from typing import Any

import pytest

COMMANDS = {
    "+hydra.launchr.workers=1 seed=1": "unknown key 'hydra.launchr'; did you mean 'launcher'?",
    "+hydra.launchr.workers=1 seed=1,2 -m": "unknown key 'hydra.launchr'; did you mean 'launcher'?",
    "+hydra.sweeper.trails=3 hparams_search=adamw_optuna -m": (
        "unknown key 'hydra.sweeper.trails'; did you mean 'trials'?"
    ),
    "hydra.mode=RUNN seed=1": "hydra.mode: Invalid value 'RUNN', expected one of [RUN, MULTIRUN]",
    "hydra.launcher.workers=100000 seed=1,2 -m": "is too many for this machine, which has",
    "execution.threads=100000 seed=1": "is too many for this machine, which has",
    "hydra/sweeper=race seed=1,2 -m": "a race needs ideas to choose among",
    "seed=range(0) -m": "seed=range(0) names no value at all, so nothing would run",
}


@pytest.mark.parametrize("line", COMMANDS)
def test_it_is_told_in_one_sentence(line: str, mistake: Callable[..., str], place: Any) -> None:
    assert COMMANDS[line] in mistake(*line.split())
    assert place.records() == {}
    assert not (place.output / "plans").exists()


def test_a_search_is_refused_before_anything_is_written(
    mistake: Callable[..., str], place: Any
) -> None:
    pytest.importorskip("optuna", reason="the extra `search` is not installed")
    line = ("hydra/sweeper=search", "hydra.sweeper.space={optimizer.lr: [1e-3, 1e-2]}", "-m")
    for setting, said in (
        ("hydra.sweeper.objectives=[val_loss,speed]", "names 'speed', which no run has"),
        ("hydra.sweeper.study=../../escaped", "is no name"),
        ("hydra.sweeper.known=['optimizer.lr=7']", "lies outside the space"),
        ("optimizer.lr=0.5", "optimizer.lr=0.5 is set for every trial"),
        ("hydra.sweeper.fresh_seeds=1001", "it must be > 1 and <= 1000"),
    ):
        assert said in mistake(setting, *line)
        assert not (place.output / "studies").exists()
        assert not (place.output / "plans").exists()
