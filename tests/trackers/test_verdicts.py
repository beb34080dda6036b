"""The verdicts of a sweep as a page of W&B, the same one however often they are given."""

import json
from types import SimpleNamespace

import pytest
from made_records import made
from tests.trackers.conftest import read_wandb

from audition.answers import judge_arms
from audition.measure import Measure
from audition.records.record import Record
from audition.records.store import Ledger
from audition.sweep import confirm

LOSSES = {"baseline": [1.50, 1.51, 1.49], "idea": [1.40, 1.42, 1.39]}


@pytest.fixture
def judgements():
    return judge_arms(
        [
            made(arm, seed, loss)
            for arm, losses in LOSSES.items()
            for seed, loss in enumerate(losses)
        ]
    )


def plan(logger):
    return SimpleNamespace(runs=[SimpleNamespace(settings={"logger": logger}, plan="0123")])


def test_a_table_where_wandb_is_on(judgements, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    on = {"wandb": {"_target_": confirm.WANDB, "project": "mine", "mode": "offline"}}
    for _ in range(2):
        confirm.show_in_wandb(plan(on), judgements, Ledger(tmp_path))
    run, _, _ = read_wandb(tmp_path / "verdicts")
    assert (run.run_id, run.project) == ("verdict-0123", "mine")
    (path,) = tmp_path.glob("verdicts/wandb/offline-run-*/files/media/table/*.json")
    table = json.loads(path.read_text())
    (row,) = [dict(zip(table["columns"], values, strict=True)) for values in table["data"]]
    c = judgements[0].comparison
    assert (row["arm"], row["verdict"], row["n"]) == ("idea", "supported", 3)
    assert row["improvement"] == pytest.approx(c.improvement)
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(list(c.ci))


def test_nothing_where_it_is_off(judgements, tmp_path, monkeypatch):
    confirm.show_in_wandb(plan({}), judgements, Ledger(tmp_path))
    assert not list(tmp_path.iterdir())


def test_levels_are_in_the_measures_own_direction():
    accuracy = Measure("validation accuracy", "%", "higher")
    arms = {"baseline": [95.0, 95.2, 94.9], "idea": [97.0, 97.3, 96.8]}
    (judgement,) = judge_arms(
        [
            Record(
                key=f"{arm}{seed}",
                config_hash=arm,
                baseline_hash="baseline",
                arm=arm,
                ideas=(),
                seed=seed,
                status="finished",
                metrics={"val_accuracy": value},
                measures={"val_accuracy": accuracy},
                primary="val_accuracy",
            )
            for arm, values in arms.items()
            for seed, value in enumerate(values)
        ]
    )
    row = confirm.wandb_row(judgement)
    assert (row["metric"], row["verdict"]) == ("val_accuracy", "supported")
    assert row["improvement"] == pytest.approx(2.0)
    assert (row["baseline_mean"], row["idea_mean"]) == pytest.approx((95.0333, 97.0333), abs=1e-3)
