"""Standard streams that are closed, full or left: runs go on, and what cannot be said is lost."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made_records import made
from warm import PATIENCE_S

from audition.cli.streams import LEFT
from audition.records.store import Ledger

SWEEP = ("seed=1,2", "-m")


def shell(place: Any, words: list[str], redirections: str) -> subprocess.CompletedProcess[str]:
    """A command with its streams as a shell leaves them."""
    return place.run(["sh", "-c", f'exec "$@" {redirections}', "sh", *words])  # type: ignore[no-any-return]


@pytest.mark.slow
def test_a_sweep_depends_on_no_stream(place: Any) -> None:
    ended = shell(place, place.command(*SWEEP), ">&- 2>&-")
    assert ended.returncode == 0
    assert place.statuses() == {"baseline 1": "finished", "baseline 2": "finished"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize(("full", "code"), [((2,), 0), ((1, 2), 2)])
def test_a_sweep_depends_on_no_stream_that_is_full(
    place: Any, full: tuple[int, ...], code: int
) -> None:
    with open("/dev/full", "w") as never, open(os.devnull, "w") as nowhere:
        out, err = ((never if number in full else nowhere).fileno() for number in (1, 2))
        with place.begin(*SWEEP, streams=(out, err)) as sweep:
            assert sweep.wait(timeout=PATIENCE_S) == code
    assert place.statuses() == {"baseline 1": "finished", "baseline 2": "finished"}


def test_a_sweep_outlives_the_pager_that_its_lines_went_to(place: Any) -> None:
    with place.begin(*SWEEP) as sweep:
        assert sweep.stderr.readline()
        sweep.stderr.close()
        sweep.wait(timeout=PATIENCE_S)
    assert place.statuses() == {"baseline 1": "finished", "baseline 2": "finished"}


@pytest.mark.parametrize("words", [["runs"], ["verdict"], ["runs", "--json"], ["train", "--help"]])
def test_a_command_whose_reader_left_ends_without_a_word(place: Any, words: list[str]) -> None:
    ledger = Ledger(place.output)
    for arm in ("baseline", "idea"):
        for seed in range(3):
            ledger.write(made(arm, seed, 1.0 + 0.01 * seed + 0.001 * len(arm)))
    where = ["--output-dir", str(place.output)] if words[0] != "train" else []
    door = [sys.executable, "-m", "audition", *words, *where]
    with subprocess.Popen(door, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.close()
        assert child.stderr is not None
        assert child.stderr.read() == b""
    assert child.returncode == LEFT


def test_a_command_without_an_output_says_nothing(place: Any) -> None:
    (place.output / "runs").mkdir(parents=True)
    words = [sys.executable, "-m", "audition", "verdict", "--output-dir", str(place.output)]
    ended = shell(place, words, ">&-")
    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr
