"""`audition bench` as a user types it: once for real, small and short, and its mistakes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from audition.bench.trial import doubling
from audition.cli.ledger import main
from audition.machine import cores
from audition.measured import recall

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from audition.cli.ledger import main
main(sys.argv[1:])
assert "torch" not in sys.modules
"""


def bench(place: Any, *words: str) -> "subprocess.CompletedProcess[str]":
    small = ("model=tiny", "data.evaluation_tokens=1024", "execution.device=cpu")
    command = [sys.executable, "-c", PROGRAM, "bench", "--output-dir", str(place.output)]
    ended: subprocess.CompletedProcess[str] = place.run([*command, *words[:-1], *small, words[-1]])
    return ended


@pytest.mark.slow
def test_a_sweep_is_measured_priced_and_its_pool_kept(place: Any) -> None:
    words = ("--json", "--seconds", "0.05", "+idea=placebo", "budget.steps=40", "seed=1,2")
    ended = bench(place, *words)
    assert ended.returncode == 0, ended.stderr
    assert "audition: measuring 1/" in ended.stderr
    found = json.loads(ended.stdout)
    assert {(cell["precision"], cell["threads"]) for cell in found["cells"]} == {
        (name, threads) for name in ("fp32", "bf16") for threads in doubling(cores())
    }
    assert all(cell["units_per_s"] > 100 for cell in found["cells"])
    assert [point["workers"] for point in found["points"]] == list(doubling(cores()))
    assert set(found["arms"]) == {"baseline", "placebo"}
    for timing in found["arms"].values():
        assert timing["held_out_units"] == 1024
        assert timing["held_out_units_per_s"] > 100
        assert timing["units_per_step"] == 256
        assert timing["memory_mb"] > 50
        assert timing["start_s"] > 0
    assert (found["planned"], found["cost"]["runs"], found["cost"]["steps"]) == (4, 4, 160)
    training = 160 * 256 / max(point["units_per_s"] for point in found["points"])
    assert found["cost"]["wall_s"] > 0.3 * training
    assert place.records() == {}

    kept = recall(place.output / "cache", device="cpu", threads=1, workloads=found["workloads"])
    if found["disturbed"]:  # other work on this machine, as beside other tests
        assert kept is None
    else:
        assert kept is not None
        assert (kept.workers, kept.date) == (found["best"]["workers"], found["date"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--seconds", "0", "seed=1"), "--seconds 0 is out of range: it must be > 0"),
        (("--config-dir", "nowhere", "seed=1"), "--config-dir nowhere is not a folder"),
        (("+idea=placbo",), "unknown idea 'placbo'; did you mean 'placebo'?"),
        (("seed=1", "-m", "+idea=placbo"), "unknown idea 'placbo'; did you mean 'placebo'?"),
    ],
)
def test_a_mistake_is_one_sentence(
    words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["bench", "--output-dir", str(tmp_path), *words])
    told = capsys.readouterr()
    assert left.value.code == 2
    assert told.err.startswith(f"audition: {said}")
    assert told.err.count("\n") == 1
    assert told.out == ""


def test_a_mistake_is_told_without_torch(place: Any) -> None:
    ended = bench(place, "seed=1", "-m", "+idea=placbo")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("audition: unknown idea 'placbo'; did you mean 'placebo'?")
