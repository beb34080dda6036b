"""A ledger of Audition 0.2.0: read and judged as before, and no run of it taken for one of today's."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

OLD = Path(__file__).parents[1] / "records" / "v020"
ASKED = ("budget.steps=5", "data.evaluation_tokens=1024", "+idea=placebo", "seed=1,2,3", "-m")
AS_BEFORE = {
    "idea": "placebo",
    "verdict": "inconclusive",
    "kind": None,
    "design": "paired",
    "standing": "as planned",
    "n": 3,
    "n_baseline": 3,
    "metric": "val_loss",
    "improvement": 0.00728129145378853,
    "ci": [0.0005386978716536754, 0.014023885035923531],
    "p": 0.0437818274795117,
    "p_welch": 0.24337288252789635,
    "baseline_mean": 3.865261125533531,
    "idea_mean": 3.8579798340797424,
    "sesoi": 0.011606837967926368,
    "cohens_d": 0.6273277419663484,
    "config_hash": "6eaaae948ac83158",
    "baseline_hash": "c67ccf9b0cc0feb7",
}
"""What 0.2.0 itself said of these runs, but for the interval: it is the one that decides today.

By hand, from the paired gains: 0.00728129 ± t(.95, 2) × 0.00230912, level 1 - 2 alpha.
"""


@pytest.fixture
def old(place: Any) -> Any:
    """A workplace whose ledger is the old one."""
    shutil.copytree(OLD, place.output)
    return place


def verdicts(place: Any) -> dict[str, Any]:
    """Config hash -> verdict."""
    ended = place.read("verdict", "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    return {each["config_hash"]: each for each in json.loads(ended.stdout)}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_it_is_judged_as_before(old: Any) -> None:
    (verdict,) = verdicts(old).values()
    told = {name: verdict[name] for name in AS_BEFORE}
    assert told == {
        name: pytest.approx(value) if isinstance(value, float | list) else value
        for name, value in AS_BEFORE.items()
    }


def test_every_command_reads_it(old: Any) -> None:
    for words in (("runs",), ("leaderboard",), ("status",), ("collect",), ("report",)):
        ended = old.read(*words)
        assert (ended.returncode, ended.stderr) == (0, ""), words
    page = (old.output / "report" / "report.md").read_text(encoding="utf-8")
    assert "2 lines of diff" in page
    assert "kept in repro.json" in page
    records = json.loads(old.read("runs", "--json").stdout)
    assert {(r["unit"], r["units"], r["primary"]) for r in records} == {
        ("tokens", 1280, "val_loss")
    }


def test_a_run_of_it_cannot_be_made_again_and_why_is_said(old: Any) -> None:
    ended = old.read("reproduce", "placebo/1")
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("audition: placebo seed 1 cannot be made again: ")


def test_the_same_sweep_beside_it_is_new_arms_and_the_old_ones_stand(old: Any) -> None:
    before = contents(old.output)
    judged = verdicts(old)
    ended = old.train(*ASKED)
    assert ended.returncode == 0, ended.stderr
    assert "6 runs in all: 0 in the ledger, 6 to train" in ended.stderr
    after = contents(old.output)
    assert {name: after[name] for name in before} == before

    ((first, verdict),) = judged.items()
    ((second, new),) = verdicts(old).items()
    assert second != first
    assert (new["n"], new["n_baseline"], new["standing"]) == (3, 3, "as planned")
    assert new["baseline_hash"] != verdict["baseline_hash"]
    told = old.read("leaderboard", "--json", "--baseline", verdict["baseline_hash"])
    (row,) = json.loads(told.stdout)["rows"]
    assert (row["config_hash"], row["n"]) == (first, 3)
    assert row["improvement"] == pytest.approx(verdict["improvement"])

    again = old.train(*ASKED)
    assert "6 runs in all: 6 in the ledger, 0 to train" in again.stderr
    for words in (("runs",), ("leaderboard",), ("report",), ("export", "--to", "parquet")):
        ended = old.read(*words)
        assert (ended.returncode, ended.stderr) == (0, ""), words
