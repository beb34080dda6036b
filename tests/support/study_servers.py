"""Processes that serve one study, and what they left behind."""

import os
import sys
import time
from collections import Counter
from pathlib import Path

import optuna
from warm import PATIENCE_S, Command, Warm

from audition.sweep.search.study.storage import journal_of, open_storage, prepare_optuna
from audition.sweep.search.study.study import counts


def serve(
    warm: Warm,
    folder: Path,
    cache: str,
    trials: int,
    seconds: float,
    *storage: str,
    together: int = 1,
) -> Command:
    """A process that serves a study, from when as many are there as are to serve it together."""
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": path, "TOGETHER": str(together)}
    words = (str(folder), cache, str(trials), str(seconds), *storage)
    return warm.begin("search_script", *words, env=environment)


def trained(folder: Path) -> Counter[str]:
    path = folder / "trained"
    return Counter(path.read_text().split() if path.exists() else ())


def until(process: Command, folder: Path, runs: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
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
