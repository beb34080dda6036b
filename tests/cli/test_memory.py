"""`audition memory`: what a run kept is listed, drawn, chosen and restored to the bit."""

import json
import re
from collections.abc import Mapping

import pytest
import torch
from omegaconf import OmegaConf

from audition.cli.ledger import carry_out
from audition.errors import AuditionError
from audition.records.archive import FOLDER, read_archive
from audition.records.store import Ledger
from audition.training.run import perform
from audition.training.run_spec import RunSpec


@pytest.fixture
def ledger(settings_of, recorded, tmp_path):
    """A run that was really trained, as a worker trains it, with a memory."""
    settings = dict(settings_of("memory=ockham", "training.evaluations=6", "optimizer.lr=0.01"))
    settings["paths"] = {"output_dir": str(tmp_path), "cache_dir": settings["paths"]["cache_dir"]}
    record = recorded(settings, "running")
    assert perform(RunSpec(record, settings, {}), lambda told: None).status == "finished"
    ledger = Ledger(tmp_path)
    folder = ledger.folder_of(record)
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(settings))
    return ledger, folder


def asked(ledger, *words):
    carry_out(["memory", "baseline/42", *words, "--output-dir", str(ledger.root)])


def test_listed_chosen_drawn_and_restored(ledger, capsys, tmp_path):
    own, folder = ledger
    archive = read_archive(folder)
    asked(own)
    shown = capsys.readouterr().out
    assert all(re.search(rf"^ *{p.step} ", shown, re.MULTILINE) for p in archive.points)
    assert re.search("knee.*chosen", shown)
    assert "sets of weights" in shown
    asked(own, "--select", "complexity", "--json")
    found: Mapping[str, object] = json.loads(capsys.readouterr().out)
    assert found["chosen"] == archive.points[0].step
    to, drawn = tmp_path / "weights.pt", tmp_path / "memory.svg"
    asked(own, "--select", "loss", "--to", str(to), "--out", str(drawn))
    assert "as stored, to the bit" in capsys.readouterr().err
    assert torch.load(to)["step"] == archive.best().step
    svg = drawn.read_text()
    assert 'id="front"' in svg
    assert 'id="chosen"' in svg


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bound", "0.001"], "val_loss at 0.001 or better: the best have"),
        (["--step", "77"], "no weights of step 77 are kept; choose from: "),
        (["--select", "nee"], "there is no which 'nee'; did you mean 'knee'"),
        (["--select", "knee", "--step", "3"], "--select and --step each choose weights"),
        (["--out", "x.pdf"], "x.pdf is no kind of figure"),
    ],
)
def test_mistakes(ledger, words, said):
    with pytest.raises(AuditionError, match=said):
        asked(ledger[0], *words)


def test_damage_is_found_before_anything_is_written(ledger, tmp_path):
    own, folder = ledger
    knee = read_archive(folder).knee()
    path = folder / FOLDER / knee.file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(AuditionError, match="is damaged"):
        asked(own, "--to", str(tmp_path / "weights.pt"))
    assert not (tmp_path / "weights.pt").exists()
