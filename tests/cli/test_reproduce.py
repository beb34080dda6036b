"""`audition reproduce`: the same to the bit, or what differs by name, or one sentence."""

import json
from typing import Any

import pytest

from audition.answers.run_diff import RunResult
from audition.cli.ledger import main
from audition.config.identity import Identity
from audition.sweep import reproduce


def test_a_run_is_made_again_to_the_bit_and_leaves_nothing(place: Any) -> None:
    assert place.train("+idea=placebo", "model.dropout=0.1").returncode == 0
    (record,) = place.records().values()
    before = sorted(place.output.rglob("*"))
    ended = place.read("reproduce", "placebo/42", "--json")
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["same"]
    assert found["key"] == record["key"]
    assert (found["changed"], found["differences"], found["surroundings"]) == ("", [], [])
    assert {"weights", "val_loss", "val_bpb"} <= set(found["compared"])
    assert sorted(place.output.rglob("*")) == before


@pytest.fixture
def ledger(settings_of: Any, recorded: Any, tmp_path: Any) -> Any:
    """A ledger with the record and the settings of one run, by hand."""
    from omegaconf import OmegaConf

    from audition.records.store import Ledger

    settings = settings_of("budget.steps=2")
    record = recorded(settings, weights="ab")
    ledger = Ledger(tmp_path)
    (ledger.write(record) / "config.yaml").write_text(OmegaConf.to_yaml(settings))
    return ledger, record


def asked(ledger: Any, *words: str) -> Any:
    with pytest.raises(SystemExit) as left:
        main(["reproduce", "baseline/42", "--output-dir", str(ledger.root), *words])
    return left.value.code


def test_what_the_run_says_of_the_code_it_may_name_is_not_believed(
    ledger: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor is a module imported that lies beside the ledger."""
    import sys

    from omegaconf import OmegaConf

    ledger, record = ledger
    (tmp_path / "payload.py").write_text("raise SystemExit('the payload was run')")
    monkeypatch.chdir(tmp_path)
    path = ledger.folder_of(record) / "config.yaml"
    config = OmegaConf.load(path)
    config.allowed_targets = ["audition.", "payload.", ""]
    config.optimizer._target_ = "payload.run"
    OmegaConf.save(config, path)
    before = list(sys.path)
    assert asked(ledger) == 2
    said = capsys.readouterr().err
    assert "optimizer._target_=payload.run is not allowed" in said
    assert "if you trust it, add --allow payload." in said
    assert sys.path == before
    assert asked(ledger, "--allow", "payload.") == 2  # it is read now, and has no such function
    assert "payload.run does not exist" in capsys.readouterr().err


def test_what_differs_is_named_and_the_exit_says_so(
    ledger: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger, record = ledger
    (ledger.folder_of(record) / "repro.json").write_text('{"arithmetic": {"threads": 1}}')
    other = RunResult(record.ended("finished", weights="cd"), (), {"arithmetic": {"threads": 8}})
    monkeypatch.setattr(reproduce, "reproduce", lambda run, ledger: other)
    assert asked(ledger) == 1
    said = capsys.readouterr().out
    assert "baseline seed 42 did not come out the same:\n  weights  ab → cd\n" in said
    assert "arithmetic.threads  1 → 8" in said


def test_code_that_changed_is_said_first_and_compared_nevertheless(
    ledger: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger, record = ledger
    ledger.write(record.ended("finished", key="of other code", code="0" * 16))
    monkeypatch.setattr(reproduce, "reproduce", lambda run, ledger: RunResult(record, (), {}))
    assert asked(ledger) == 0
    told = capsys.readouterr()
    assert "the code has changed since (digest 00000000, now" in told.err
    assert "came out the same to the bit" in told.out
    assert f"code  {'0' * 16} → {record.code}" in told.out


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"code": "other"}, "the code has changed"),
        ({"evaluation": "other"}, "the held-out text has changed"),
        ({}, "the text, or what its settings mean"),
    ],
)
def test_what_changed_is_told_apart(ledger: Any, facts: dict[str, str], said: str) -> None:
    _, record = ledger
    now = Identity(record.config_hash, "another key", record.evaluation, record.code)
    assert said in reproduce.drift(record.ended("finished", **facts), now)
    assert reproduce.drift(record, Identity("", record.key, "", "")) == ""


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder, text: (folder / "config.yaml").unlink(), "config.yaml cannot be read"),
        (lambda folder, text: (folder / "config.yaml").write_text("a: ["), "cannot be read"),
        (lambda folder, text: (folder / "config.yaml").write_text("[]"), "holds no settings"),
        (
            lambda folder, text: (folder / "config.yaml").write_text(
                text.replace("minutes: null", "minutes: 2", 1).replace("steps: 2", "steps: null")
            ),
            "was given 2 minutes",
        ),
        (
            lambda folder, text: (folder / "config.yaml").write_text(f"{text}\nmood: good\n"),
            "unknown key 'mood'",
        ),
    ],
)
def test_what_cannot_be_made_again_is_one_sentence(
    ledger: Any, capsys: pytest.CaptureFixture[str], spoil: Any, said: str
) -> None:
    ledger, record = ledger
    folder = ledger.folder_of(record)
    spoil(folder, (folder / "config.yaml").read_text())
    assert asked(ledger) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_run_without_an_outcome_is_one_sentence(
    ledger: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger, record = ledger
    ledger.write(record.ended("failed", "no luck"))
    assert asked(ledger) == 2
    assert "has no outcome to compare with: it is failed" in capsys.readouterr().err
