"""`audition trace`: recorded once, replayed at will, and every mistake is a sentence."""

import json
import re

import pytest
from omegaconf import OmegaConf

from audition.cli.ledger import carry_out
from audition.errors import AuditionError
from audition.observers.metrics import Metrics
from audition.records.store import Ledger
from audition.traces.trace import FILE
from audition.training.build import build
from audition.training.loop import train


@pytest.fixture
def ledger(settings_of, recorded, tmp_path):
    """A run that was really trained, by hand: its record, its settings and its lines."""
    settings = settings_of()
    record = recorded(settings)
    ledger = Ledger(tmp_path)
    folder = ledger.write(record)
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(settings))
    train(build(settings), [Metrics(folder, every=2)])
    return ledger, folder


def asked(ledger, *words):
    carry_out(["trace", "baseline/42", *words, "--output-dir", str(ledger.root)])


def test_recorded_once_and_replayed(ledger, capsys):
    own, folder = ledger
    asked(own)
    told = capsys.readouterr()
    assert "its 3 logged losses came out the same to the bit" in told.err
    assert "audition trace baseline/42 preset=saturation_limiter --output-dir" in told.out
    first = (folder / FILE).read_bytes()
    chain = ("preset=saturation_limiter", "effects.limiter.wet=0.5", "~effects.saturation")
    asked(own, *chain, "--json")
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert not told.err  # nothing was trained
    assert found["replayed"] == {"limiter": "norms"}
    assert len(found["readings"]["limiter/gain"]) == found["steps"] == 6
    asked(own, *chain)
    told = capsys.readouterr()
    assert "limiter/gain" in told.out
    assert "It cannot say what becomes of the loss" in told.out
    assert (folder / FILE).read_bytes() == first
    asked(own, "--again", "--steps", "2", "--json")
    assert json.loads(capsys.readouterr().out)["steps"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model=tiny"], "model=tiny is none of a replay's, which changes effects alone"),
        (["preset=none"], "preset=none leaves no effect to replay"),
        (["preset=sam"], "sam .* cannot be replayed"),
        (["preset=em"], "unknown preset 'em'; did you mean 'ema'"),
        (["preset=ema", "effects.ema.decay=2"], "effects.ema.decay=2 is out of range"),
        (["--steps", "0"], "--steps 0 is out of range"),
    ],
)
def test_mistakes(ledger, words, said, capsys):
    with pytest.raises((AuditionError, SystemExit)) as left:
        asked(ledger[0], *words)
    told = capsys.readouterr().err.replace("\n", " ")
    assert re.search(said, told or str(left.value))
