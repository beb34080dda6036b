"""Code that is edited while a sweep runs waits for the next command, whatever starts the runs."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from warm import PATIENCE_S

FLAT = '''
import os
from dataclasses import dataclass
from pathlib import Path

from audition.recipe.batches import Clock
from audition.recipe.signals import Controls


@dataclass(frozen=True, kw_only=True)
class Flat:
    """A rate that does not change."""

    warmup_steps: int = 0

    def __call__(self, clock: Clock) -> Controls:
        from mylab.gain import GAIN

        with Path(os.environ["HOLD"], "gains").open("a") as file:
            file.write(f"{GAIN}\\n")
        return Controls(lr=GAIN)
'''

HOLD = '''
"""A logger that lets no run begin before somebody says so."""

import os
import time
from pathlib import Path

from audition.observers.observer import Observer

HERE = Path(os.environ["HOLD"])


class Hold(Observer):
    def __init__(self, folder: Path) -> None:
        """Nothing is kept in the run's folder."""

    def on_start(self, session, steps) -> None:
        (HERE / "began").touch()
        deadline = time.monotonic() + 900.0
        while not (HERE / "go").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
'''


@pytest.fixture
def lab(place: Any, tmp_path: Path) -> Path:
    """A package with a schedule, whose rate is in a module that is imported at the first step."""
    home = tmp_path / "site" / "mylab"
    home.mkdir(parents=True)
    (home / "__init__.py").write_text("")
    (home / "flat.py").write_text(FLAT)
    (home / "gain.py").write_text("GAIN = 1.0\n")
    (home / "hold.py").write_text(HOLD)
    path = os.pathsep.join((str(home.parent), str(place.modules)))
    place.environment |= {"HOLD": str(tmp_path), "PYTHONPATH": path}
    return home


COMMAND = (
    "allowed_targets=[audition.,tally.,mylab.]",
    "+logger.hold._target_=mylab.hold.Hold",
    "schedule=constant",
    "schedule._target_=mylab.flat.Flat",
)
SEEDS = ("seed=1,2", "hydra.launcher.workers=1")
TWO, ONE, PAIR = ("baseline 1", "baseline 2"), ("baseline 1",), ("baseline 1", "placebo 1")


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        (SEEDS, TWO),
        (("seed=1", "parallel=ddp"), ONE),
        (("seed=1", "+idea=placebo", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"), PAIR),
        pytest.param(("seed=1,2", "hydra/launcher=basic"), TWO, marks=pytest.mark.slow),
    ],
    ids=["pool", "ranks", "joblib", "basic"],
)
def test_an_edit_reaches_the_next_command_and_no_run_of_this_one(
    place: Any, lab: Path, tmp_path: Path, words: Sequence[str], runs: Sequence[str]
) -> None:
    sweep = place.begin(*COMMAND, *words, "-m")
    place.until(sweep, lambda _: (tmp_path / "began").exists())
    (lab / "gain.py").write_text("GAIN = 0.25\n")
    (tmp_path / "go").touch()
    shown, said = sweep.communicate(timeout=PATIENCE_S)
    assert sweep.returncode == 0, said
    assert place.statuses() == dict.fromkeys(runs, "finished")
    assert set((tmp_path / "gains").read_text().split()) == {"1.0"}
    assert ("placebo: inconclusive" in shown) == (runs == PAIR)
    if runs != TWO:  # the processes of each are started by Python itself, which takes its time
        return
    again = place.train(*COMMAND, *words, "-m")
    assert "0 in the ledger, 2 to train" in again.stderr
    (lab / "gain.py").write_text("GAIN = 1.0\n")
    assert "2 in the ledger, 0 to train" in place.train(*COMMAND, *words, "-m").stderr
