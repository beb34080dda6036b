"""A report for a user whose home cannot be written: made, and nothing said on the terminal."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("home", [None, "/proc/nowhere"])
def test_figures_need_no_home(home):
    environment = {k: v for k, v in os.environ.items() if k not in ("HOME", "MPLCONFIGDIR")}
    environment |= {} if home is None else {"HOME": home}
    ended = subprocess.run(
        [sys.executable, "-c", "import audition.report.gallery, matplotlib.figure"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
