"""`audition zoo` as it is typed: weights that were not kept are trained again, verdicts come along."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip(
    "transformers", reason="extra zoo is not installed: pip install 'audition[zoo]'"
)


def test_a_run_of_a_sweep_is_published_with_its_verdict(place: Any, tmp_path: Path) -> None:
    ended = place.train("+idea=placebo", "seed=1,2", "-m")
    assert ended.returncode == 0, ended.stderr
    folder = tmp_path / "model"
    told = place.read("zoo", "placebo/2", "--to", str(folder), "--allow", "tally.")
    assert told.returncode == 0, told.stderr
    assert "placebo seed 2 as GPT2LMHeadModel" in told.stdout
    (verdict,) = json.loads((folder / "verdict.json").read_text())
    assert verdict["idea"] == "placebo"
    card = (folder / "README.md").read_text()
    assert f"**{verdict['verdict']}**" in card
    repro = json.loads((folder / "repro.json").read_text())
    assert repro["run"]["seed"] == 2
    assert str(tmp_path) not in repro["command"][0]
    (kept,) = place.output.glob("runs/placebo/*/seed_2/weights.safetensors")
    assert kept.is_file()
    other = place.read("zoo", "placebo/3", "--to", str(folder))
    assert other.returncode == 2
    assert "no run 'placebo/3'" in other.stderr
    assert "Traceback" not in other.stderr
