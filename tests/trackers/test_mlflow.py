"""MLflow's pages hold what `metrics.jsonl` holds, each point once, however often a run begins."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.trackers.conftest import LINES

from audition.errors import AuditionError
from audition.observers.checkpoint import NAME, Checkpoint, read_checkpoint
from audition.observers.metrics import Metrics
from audition.records.metrics import read_lines, units_of
from audition.report.export import replay, summary
from audition.trackers import mlflow as ours
from audition.trackers.background import BackgroundTracker
from audition.trackers.mlflow import MLflow
from audition.training.loop import train

pytestmark = pytest.mark.skipif(
    find_spec("mlflow") is None or find_spec("alembic") is None,
    reason="the extra `mlflow` is not installed",
)


@pytest.fixture(scope="session")
def database(tmp_path_factory) -> Path:
    """An empty database: MLflow takes seconds to make one."""
    from mlflow.tracking import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(autouse=True)
def home(ledger, database, monkeypatch) -> Path:
    """The folder of the ledger, with that database."""
    monkeypatch.delenv(ours.URI, raising=False)
    shutil.copy(database, ledger.root / "mlflow.db")
    return ledger.root


def client_of(folder):
    """(client, where the page of the run in `folder` is)."""
    from mlflow.tracking import MlflowClient

    told = json.loads((folder / "mlflow.json").read_text())
    return MlflowClient(tracking_uri=told["uri"]), told


def read(folder):
    """(run, metric -> its points as (units, value)) of the only page of the run in `folder`."""
    client, told = client_of(folder)
    run = client.get_run(told["run_id"])
    same = f"tags.`audition.key` = '{run.data.tags['audition.key']}'"
    assert len(client.search_runs([told["experiment_id"]], same)) == 1
    histories = {name: client.get_metric_history(told["run_id"], name) for name in run.data.metrics}
    return run, {name: [(p.step, p.value) for p in points] for name, points in histories.items()}


def points(lines):
    """`metrics.jsonl` as MLflow has it."""
    found = {}
    for line in lines:
        for name, value in line.items():
            if name not in ("step", "units", "tokens") and value is not None:
                found.setdefault(name, []).append((units_of(line), value))
    return found


def shown(folder, earlier=LINES, later=(), status="finished", facts=None):
    """A page of those lines; what was said."""
    said = []
    behind = BackgroundTracker("logger=mlflow", MLflow(folder), said.append)
    behind.begin(earlier)
    for line in later:
        behind.take(line)
    behind.end(status, facts)
    return said


def test_it_holds_a_run_that_was_stopped_and_went_on(job_of, folder):
    said = []

    def trained(**how):
        copies = [BackgroundTracker("logger=mlflow", MLflow(folder), said.append)]
        train(job_of(), [Metrics(folder, copies, every=1), Checkpoint(folder)], **how)
        return read(folder)

    first, _ = trained(interrupted=lambda step: step == 3)
    run, histories = trained(resume=read_checkpoint(folder / NAME, ""))
    assert not said
    assert histories == points(read_lines(folder))
    assert len(histories["train/loss"]) == 6
    assert run.info.run_id == first.info.run_id
    assert (first.info.status, run.info.status) == ("KILLED", "FINISHED")
    assert run.info.run_name == "baseline seed 1"
    tags = {name: run.data.tags[f"audition.{name}"] for name in ("key", "arm", "seed", "status")}
    assert tags == {
        "key": "baseline1".ljust(32, "0"),
        "arm": "baseline",
        "seed": "1",
        "status": "finished",
    }
    assert run.data.params == {"optimizer.lr": "0.001", "seed": "1"}


def test_what_the_page_has_beyond_the_checkpoint_is_not_written_twice(folder):
    """The process was killed: it had shown more than its checkpoint holds."""
    assert not shown(folder, LINES[:2], LINES[2:4], status="interrupted")
    assert not shown(folder, LINES[:2], LINES[2:])
    assert read(folder)[1] == points(LINES)


def test_settings_without_number_and_of_any_length(folder):
    many = "".join(f"  s{k}: {k}\n" for k in range(250))
    (folder / "config.yaml").write_text(
        f"many:\n{many}long: {'x' * 7000}\nflag: true\nnothing: null\n'odd(%)': [1, a]\n"
    )
    assert not shown(folder)
    params = read(folder)[0].data.params
    assert [params[f"many.s{k}"] for k in range(250)] == [str(k) for k in range(250)]
    assert params["long"] == "x" * 6000
    assert (params["flag"], params["nothing"], params["odd___"]) == ("true", "null", '[1, "a"]')


def test_a_setting_that_changed_between_attempts_is_no_mistake(folder):
    assert not shown(folder, LINES[:2])
    (folder / "config.yaml").write_text("optimizer:\n  lr: 0.001\nseed: 1\npaths: /elsewhere\n")
    assert not shown(folder)
    (folder / "config.yaml").write_text("paths: /a/third\n")
    assert not shown(folder)
    run, histories = read(folder)
    assert histories == points(LINES)
    assert run.data.params["paths"] == "/elsewhere"


def test_a_thousand_lines_go_out_together(folder, monkeypatch):
    from mlflow.tracking import MlflowClient

    asked, send = [], MlflowClient.log_batch
    monkeypatch.setattr(
        MlflowClient,
        "log_batch",
        lambda *a, **k: asked.append(len(k.get("metrics", ()))) or send(*a, **k),
    )
    lines = [{"step": k, "tokens": 64 * k, "a": 1.0 / (k + 1), "b": float(k)} for k in range(1500)]
    assert not shown(folder, lines[:1200], lines[1200:])
    assert read(folder)[1] == points(lines)
    assert max(asked) == ours.METRICS
    assert len(asked) < 20


SHOW = """
import json, sys
from pathlib import Path
from audition.trackers.background import BackgroundTracker, Patience
from audition.trackers.mlflow import MLflow
behind = BackgroundTracker("logger=mlflow", MLflow(Path(sys.argv[1])), print, Patience(seconds=100.0))
behind.begin(json.loads(sys.argv[2]))
behind.end("finished")
"""


def test_processes_that_start_together_make_one_database(ledger, home):
    (home / "mlflow.db").unlink()
    folders = [ledger.folder_of(record) for record in ledger.read().records[:2]]
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", SHOW, str(folder), json.dumps(LINES)],
            env={**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path))},
            stdout=subprocess.PIPE,
            text=True,
        )
        for folder in folders
    ]
    assert [each.communicate(timeout=120)[0] for each in started] == [""] * 2
    assert len({client_of(folder)[1]["experiment_id"] for folder in folders}) == 1
    for folder in folders:
        assert read(folder)[1] == points(LINES)


def test_an_export_told_twice_is_the_same(ledger):
    records = ledger.read().records
    for _ in range(2):
        said = []
        folders = [folder for folder, _ in replay(ledger, records, "mlflow", said.append)]
        assert not said
    assert len(folders) == 3
    for folder, record in zip(folders, records, strict=True):
        run, histories = read(folder)
        expected = points(read_lines(folder))
        assert {name: histories[name] for name in expected} == expected
        assert histories["val_loss"] == [(LINES[-1]["units"], 2.125)]
        assert summary(record)["val_loss"] == 2.125
        assert run.info.status == {"finished": "FINISHED", "failed": "FAILED"}[record.status]


def test_a_server_that_is_not_there_is_one_sentence(folder, monkeypatch):
    monkeypatch.setenv(ours.URI, "http://127.0.0.1:9")
    (said,) = shown(folder)
    assert said.startswith("logger=mlflow ")
    assert said.endswith(("): it misses this run", ": it was left"))


@pytest.mark.parametrize(("uri", "missing"), [("", "sqlalchemy"), ("http://tracking:5000", None)])
def test_a_server_needs_no_database_here(monkeypatch, uri, missing):
    monkeypatch.setenv(ours.URI, uri)
    monkeypatch.setattr(
        "audition.trackers.tracker.find_spec", lambda name: name == "mlflow" or None
    )
    if missing is None:
        MLflow.check()
    else:
        with pytest.raises(AuditionError, match=f"logger=mlflow needs the package {missing}"):
            MLflow.check()


def test_a_folder_that_no_address_can_name_is_refused(ledger, monkeypatch, tmp_path):
    """All after a ? would be taken for options, and the database made elsewhere."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = tmp_path / "what?" / "runs" / "arm" / "hash" / "seed_1"
    folder.mkdir(parents=True)
    with pytest.raises(ValueError, match=r"no database can lie in .*what\?"):
        MLflow(folder).open([])
    assert not (tmp_path / "what").exists()
