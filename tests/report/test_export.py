"""A ledger shown elsewhere, twice: the same pages, with the numbers that are in its files."""

import csv
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


CONFIG = """optimizer:
  _target_: audition.parts.optim.adamw.AdamW
  lr: {lr}
  betas: [0.9, 0.95]
  fused: false
data: {{evaluation_tokens: {tokens}, split: null}}
ideas: {{}}
seed: {seed}
cards: {{idea: {{pitch: words}}}}
"""


@pytest.mark.parametrize("to", ["csv", "parquet"])
def test_a_table_of_runs_has_every_setting_as_a_column(ledger, capsys, tmp_path, to):
    pandas = pytest.importorskip("pandas")
    for record in ledger.read().records:
        tokens = "full" if record.arm == "idea" else 512
        text = CONFIG.format(lr=0.001 * record.seed, tokens=tokens, seed=record.seed)
        (ledger.folder_of(record) / "config.yaml").write_text(text)
    lost = next(r for r in ledger.read().records if (r.arm, r.seed) == ("baseline", 2))
    (ledger.folder_of(lost) / "config.yaml").unlink()
    found = export(ledger, "--to", to, "--folder", str(tmp_path), capsys=capsys)
    path = Path(found["paths"][0])
    runs = (pandas.read_csv if to == "csv" else pandas.read_parquet)(path)
    assert not [name for name in runs if name.startswith(("cards", "ideas."))]
    by_run = {(run["arm"], run["seed"]): run for run in runs.to_dict("records")}
    one = by_run["idea", 2]
    assert one["optimizer.lr"] == 0.002
    assert one["optimizer._target_"] == "audition.parts.optim.adamw.AdamW"
    assert json.loads(one["optimizer.betas"]) == [0.9, 0.95]
    assert one["optimizer.fused"] in (False, "false")
    # A number here and a word there: a column is of one kind, so both are text.
    assert (one["data.evaluation_tokens"], by_run["baseline", 1]["data.evaluation_tokens"]) == (
        "full",
        "512",
    )
    assert one["data.split"] != one["data.split"] or one["data.split"] is None
    assert by_run["baseline", 2]["optimizer.lr"] != by_run["baseline", 2]["optimizer.lr"]


def test_csv_is_read_back_as_it_was_written(ledger, capsys, tmp_path):
    found = export(ledger, "--to", "csv", "--folder", str(tmp_path), capsys=capsys)
    texts = (Path(path).read_text(encoding="utf-8") for path in found["paths"])
    runs, metrics = (list(csv.DictReader(text.splitlines())) for text in texts)
    filed = {record.key: record for record in ledger.read().records}
    assert {run["key"] for run in runs} == set(filed)
    for run in runs:
        value = filed[run["key"]].metrics.get("val_loss")
        assert run["val_loss"] == ("" if value is None else repr(value))
    lines = [line for r in filed.values() for line in read_lines(ledger.folder_of(r))]
    assert len(metrics) == len(lines)


@pytest.mark.parametrize(
    ("to", "package", "look"),
    [
        ("tensorboard", "tensorboard", "tensorboard --logdir {0}/runs"),
        ("mlflow", "mlflow", "mlflow ui --backend-store-uri sqlite:///{0}/mlflow.db"),
        ("parquet", "pandas", "{0}/export/runs.parquet, {0}/export/metrics.parquet"),
        ("csv", "csv", "{0}/export/runs.csv, {0}/export/metrics.csv"),
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
