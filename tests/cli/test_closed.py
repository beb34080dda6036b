"""A ledger that several people write: what is closed to this user is left out in a sentence."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import SWEEP
from warm import Warm

WITHOUT = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""To root no folder is closed, so its commands run without the rights that make it so."""
AS_ANYBODY = WITHOUT if os.getuid() == 0 else ()
READERS = ("runs", "verdict", "leaderboard", "report", "status", "collect", "watch")


@pytest.fixture(scope="module")
def anybody(common_folder: Path) -> Iterator[Warm]:
    """Starts commands without the rights of root."""
    if AS_ANYBODY:
        if shutil.which(WITHOUT[0]) is None:
            pytest.skip("run as root, and there is no setpriv to give its rights up")
        tried = subprocess.run([*WITHOUT, "true"], capture_output=True, encoding="utf-8")
        if tried.returncode:
            pytest.skip(f"root cannot give its rights up here: {tried.stderr.strip()}")
    own = Warm(common_folder, AS_ANYBODY)
    yield own
    own.close()


@pytest.fixture
def shared(place: Any, finished: Path, anybody: Warm) -> Iterator[Any]:
    """A workplace whose ledger has one sweep in it, and in which a folder can be closed."""
    shutil.copytree(finished, place.output)
    place.warm = anybody
    yield place
    place.output.chmod(0o755)
    for path in place.output.rglob("*"):  # so that pytest can take it away
        path.chmod(0o755)


def test_a_closed_arm_is_left_out_of_every_answer(shared: Any) -> None:
    theirs = shared.output / "runs" / "theirs"
    (theirs / "0123456789abcdef" / "seed_1").mkdir(parents=True)
    theirs.chmod(0o000)
    for command in READERS:
        ended = shared.read(command)
        assert ended.returncode == 0, (command, ended.stderr)
        assert "placebo" in ended.stdout or command == "report"
        if command not in ("status", "watch"):
            assert ended.stderr == (
                f"audition: {theirs} cannot be read (Permission denied); it is left out.\n"
            )
    again = shared.train(*SWEEP)
    assert again.returncode == 0, again.stderr
    assert "4 in the ledger, 0 to train" in again.stderr
    assert f"{theirs} cannot be read" in again.stderr


def test_a_sweep_goes_on_past_a_run_whose_folder_is_closed(shared: Any) -> None:
    (run,) = shared.output.glob("runs/placebo/*/seed_2")
    run.chmod(0o000)
    ended = shared.train("+idea=placebo", "seed=1,2,3", "-m")
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert f"{run}/record.json cannot be read (Permission denied); it is left out." in ended.stderr
    assert "placebo seed 2 was not started." in ended.stderr
    assert shared.statuses()["placebo 3"] == "finished"
    assert "placebo" in ended.stdout


def test_a_closed_ledger_is_one_sentence(shared: Any) -> None:
    shared.output.chmod(0o000)
    for command in READERS:
        ended = shared.read(command)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr == f"audition: {shared.output} cannot be read: Permission denied\n"
    sweep = shared.train(*SWEEP)
    assert sweep.returncode == 2
    assert len(sweep.stderr.splitlines()) == 1


def test_plans_that_are_closed_are_said_beside_what_is_judged_without_them(shared: Any) -> None:
    plans = shared.output / "plans"
    plans.chmod(0o000)
    ended = shared.read("verdict")
    assert ended.returncode == 0
    assert "exploratory" in ended.stdout
    assert ended.stderr == (
        f"audition: {plans} cannot be read (Permission denied); it is left out.\n"
    )
