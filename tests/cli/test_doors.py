"""What the two doors show: a single run, a campaign, the ledger; and what they never import."""

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from audition.config.members import names, shelves
from audition.records.record import Record
from audition.records.store import Ledger

ROOT = Path(__file__).parents[2]


def test_a_single_run_says_how_to_get_a_verdict_and_a_sweep_finds_it_done(place: Any) -> None:
    door = [sys.executable, "src/train.py", *place.command("+idea=placebo", "seed=1")[3:]]
    ended = place.run(door)
    assert ended.returncode == 0, ended.stderr
    assert "placebo" in ended.stdout
    assert "finished" in ended.stdout
    last = ended.stderr.splitlines()[-1]
    assert "one run is no verdict; this gives one: python -m src.train" in last
    assert last.endswith("+idea=placebo seed=42,137,256 -m")
    assert place.statuses() == {"placebo 1": "finished"}

    again = place.train("+idea=placebo", "seed=1")
    assert again.stdout == ended.stdout
    sweep = place.train("+idea=placebo", "seed=1,2", "-m")
    assert "1 arm against the baseline, 4 runs in all: 1 in the ledger, 3 to train" in sweep.stderr
    assert {name: len(lines) for name, lines in place.trainings().items()} == dict.fromkeys(
        ("baseline 1", "baseline 2", "placebo 1", "placebo 2"), 1
    )


def test_a_campaign_is_a_file(place: Any) -> None:
    ended = place.train("+sweeps=first_look", "seed=1,2", "-m")  # typed keys replace the file's
    assert ended.returncode == 0, ended.stderr
    assert "2 arms against the baseline, 6 runs in all" in ended.stderr
    assert "audition: comparing placebo and spectral_gate with the baseline" in ended.stderr
    assert {r["arm"] for r in place.records().values()} == {"baseline", "placebo", "spectral_gate"}
    verdicts = json.loads(place.read("verdict", "--json").stdout, parse_constant=pytest.fail)
    assert sorted(v["idea"] for v in verdicts) == ["placebo", "spectral_gate"]
    assert all(v["family_size"] == 2 and v["seeds"] == [1, 2] for v in verdicts)


LAUNCHERS = [
    (("hydra/launcher=submitit_local",), "baseline 1"),
    (("hydra/sweeper=basic", "+idea=placebo"), "placebo 1"),
    pytest.param(
        ("hydra/launcher=ray",),
        "baseline 1",
        marks=pytest.mark.skipif(
            find_spec("ray") is None, reason="Ray is not installed: pip install 'audition[ray]'"
        ),
    ),
]


@pytest.mark.parametrize(("words", "run"), LAUNCHERS, ids=lambda given: str(given[0]))
def test_launchers_and_a_sweeper_of_hydras_own_fill_the_same_ledger(
    place: Any, words: Sequence[str], run: str
) -> None:
    """That of joblib, and its verdict: `test_edited`."""
    ended = place.train(*words, "seed=1", "-m")
    assert ended.returncode == 0, ended.stderr
    assert place.statuses() == {run: "finished"}


def test_our_sweep_finds_the_runs_of_other_launchers(place: Any) -> None:
    words = ("+idea=placebo", "seed=1", "-m")
    theirs = place.train("hydra/launcher=basic", *words)
    ours = place.train(*words)
    assert "2 in the ledger, 0 to train" in ours.stderr
    assert ours.stdout == theirs.stdout


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("thousand")
    ledger = Ledger(root)
    for number in range(1000):
        arm, seed = divmod(number, 10)
        name = f"arm{arm}" if arm else "baseline"
        record = Record(
            key=str(number),
            config_hash=name,
            baseline_hash="baseline",
            arm=name,
            ideas=(),
            seed=seed,
            status="finished",
            metrics={"val_loss": 1.5 + 0.01 * (number * 7919 % 101) / 101, "val_bpb": 2.0},
        )
        folder = ledger.folder_of(record)
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(record.to_json())
    return root


NO_TORCH = "import runpy, sys\ntry:\n    {}\nfinally:\n    assert 'torch' not in sys.modules\n"
LOOK = "sys.argv[1:] = {!r}; runpy.run_module('src.train', run_name='__main__')"
READ = """
import io, json, sys
from contextlib import redirect_stdout
from audition.cli.ledger import main

answers = []
for words in json.loads(sys.argv[1]):
    with redirect_stdout(io.StringIO()) as answer:
        main(words)
    assert "torch" not in sys.modules, words
    answers.append(answer.getvalue())
print(json.dumps(answers))
"""


def said(program: str, *words: str) -> str:
    """What a program of Python's prints that has nothing to complain of."""
    ended = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return ended.stdout


@pytest.mark.parametrize("words", [["--help"], ["--cfg", "job", "+idea=spectral_gate"]])
def test_looking_needs_no_torch(words: list[str]) -> None:
    assert said(NO_TORCH.format(LOOK.format(words)))


def test_reading_needs_no_torch(thousand: Path) -> None:
    place = ["--output-dir", str(thousand)]
    commands = [
        ["runs", "--json", *place],
        ["verdict", "--json", *place],
        ["runs", *place],
        ["verdict", "arm7", *place],
        ["card", "placebo"],
    ]
    runs, verdicts, *texts = json.loads(said(READ, json.dumps(commands)))
    assert len(json.loads(runs, parse_constant=pytest.fail)) == 1000
    assert len(json.loads(verdicts, parse_constant=pytest.fail)) == 99
    assert all(texts)


def test_an_empty_ledger_says_so(place: Any) -> None:
    (place.output / "runs").mkdir(parents=True)
    ended = place.read("verdict", "--json")
    assert (ended.returncode, json.loads(ended.stdout)) == (0, [])
    assert "nothing to judge" in ended.stderr
    assert json.loads(place.read("runs", "--json").stdout) == []


def test_help_names_the_groups_from_any_folder(tmp_path: Path) -> None:
    door = Path(sys.executable).with_name("audition")
    for folder in (ROOT, tmp_path):
        ended = subprocess.run(
            [str(door), "train", "--help"], cwd=folder, capture_output=True, text=True, timeout=60
        )
        assert ended.returncode == 0, ended.stderr
        for group in shelves():
            assert f"{group}: {', '.join(names(group))}\n" in ended.stdout


def test_a_single_run_says_whether_it_was_in_the_ledger(place: Any) -> None:
    first, again = place.train("seed=3"), place.train("seed=3")
    assert (first.returncode, again.returncode) == (0, 0)
    assert "in the ledger already" not in first.stderr
    assert "audition: in the ledger already, filed in " in again.stderr
