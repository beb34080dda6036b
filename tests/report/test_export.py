"""A ledger shown elsewhere, twice: the same pages, with the numbers that are in its files."""

import json
from pathlib import Path

import pytest
from tests.trackers.conftest import merged, read_wandb

from audition.cli.ledger import main
from audition.records.metrics import read_lines, units_of
from audition.records.store import Ledger

ARMS = {"baseline": {1: 1.5, 2: 1.6}, "idea": {1: 1.4, 2: float("nan")}}


@pytest.fixture
def ledger(ledger_of) -> Ledger:
    return ledger_of(ARMS)


def export(ledger, *words, capsys):
    main(["export", *words, "--json", "--output-dir", str(ledger.root)])
    return json.loads(capsys.readouterr().out)


def test_wandb_has_every_run_once_however_often_it_is_told(ledger, capsys, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    for _ in range(2):
        found = export(ledger, "--to", "wandb", "idea", capsys=capsys)
        assert found["runs"] == 2
        for folder in map(Path, found["paths"]):
            run, rows, summary = read_wandb(folder)
            record = ledger.get(folder)
            assert rows == merged(read_lines(folder))
            assert run.run_id == record.key
            assert (summary["status"], summary["units"]) == (record.status, record.units)
    assert not list(ledger.root.glob("runs/baseline/*/*/wandb"))


def test_tensorboard(ledger, capsys):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):
        found = export(ledger, "--to", "tensorboard", "baseline", capsys=capsys)
    for folder in map(Path, found["paths"]):
        events = EventAccumulator(str(folder / "tensorboard"))
        events.Reload()
        ours = {e.step: e.value for e in events.Scalars("val/loss")}
        lines = [line for line in read_lines(folder) if "val/loss" in line]
        assert ours == {units_of(line): pytest.approx(line["val/loss"]) for line in lines}


def test_parquet_has_a_row_a_run_and_a_row_a_line(ledger, capsys, tmp_path):
    pandas = pytest.importorskip("pandas")
    found = export(ledger, "--to", "parquet", "--folder", str(tmp_path / "to"), capsys=capsys)
    runs, metrics = map(pandas.read_parquet, found["paths"])
    assert len(runs) == 4
    losses = {(r.arm, r.seed): r.val_loss for r in runs.itertuples()}
    assert losses["baseline", 2] == 1.6
    assert losses["idea", 2] != losses["idea", 2]
    written = sum(len(read_lines(ledger.folder_of(r))) for r in ledger.read().records)
    assert len(metrics) == written
    assert set(metrics["key"]) == set(runs["key"])


@pytest.mark.parametrize(
    ("to", "package", "look"),
    [
        ("tensorboard", "tensorboard", "tensorboard --logdir {0}/runs"),
        ("mlflow", "mlflow", "mlflow ui --backend-store-uri sqlite:///{0}/mlflow.db"),
        ("parquet", "pandas", "{0}/export/runs.parquet, {0}/export/metrics.parquet"),
    ],
)
def test_it_says_where_to_look(ledger, capsys, monkeypatch, to, package, look):
    pytest.importorskip(package)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    main(["export", "--to", to, "baseline", "--output-dir", str(ledger.root)])
    assert capsys.readouterr().out == f"2 runs exported to {to}: {look.format(ledger.root)}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "wand"], "cannot export to 'wand'; did you mean 'wandb'?"),
        (["--to", "wandb", "ida"], "no run of 'ida' has an outcome; did you mean 'idea'?"),
    ],
)
def test_mistakes_are_one_sentence(ledger, capsys, words, said):
    with pytest.raises(SystemExit) as left:
        main(["export", *words, "--output-dir", str(ledger.root)])
    assert left.value.code == 2
    assert said in capsys.readouterr().err
