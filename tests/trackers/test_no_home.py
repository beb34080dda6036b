"""W&B for a user without a home, as in a container: it works, and says nothing on the terminal."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
from tests.trackers.conftest import read_wandb

pytestmark = pytest.mark.skipif(
    find_spec("wandb") is None, reason="the extra `wandb` is not installed"
)

CODE = """
import sys
from pathlib import Path
from audition.trackers.wandb import Wandb
from audition.trackers.wandb import Verdicts

folder = Path(sys.argv[1])
for page in (Wandb(folder), Verdicts(folder / "v", "d1", [{"arm": "a", "gain": 1.0}])):
    page.open([])
    page.close("finished", {})
"""


@pytest.mark.parametrize(
    "home",
    [
        None,
        pytest.param("/proc/nowhere", marks=pytest.mark.slow),
        pytest.param("not/absolute", marks=pytest.mark.slow),
    ],
)
def test_without_a_home_it_keeps_its_own_in_the_runs_folder(folder, home):
    environment = {k: v for k, v in os.environ.items() if k not in ("HOME", "XDG_CACHE_HOME")}
    environment |= {} if home is None else {"HOME": home}
    ended = subprocess.run(
        [sys.executable, "-c", CODE, str(folder)],
        env=environment,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert read_wandb(folder)
    assert not (folder / "not").exists()
