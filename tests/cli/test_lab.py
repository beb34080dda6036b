"""`audition lab` as it is typed: the table, the data, the file that it makes, and no ledger at all."""

import json
import re
from pathlib import Path

import pytest
from made_records import made

from audition.cli.ledger import main
from audition.records.registration import PlannedArm, Registration, register
from audition.records.store import Ledger
from audition.report.tracker import FILE


@pytest.fixture
def root(tmp_path: Path) -> Path:
    seeds = (1, 2, 3)
    plan = Registration(
        baseline_hash="baseline",
        baseline_seeds=seeds,
        arms=(PlannedArm(name="a", config_hash="a", seeds=seeds, cards={}),),
        metric="val_loss",
        sesoi=0.01,
        command="python -m src.train +sweeps=pruning -m",
    )
    register(tmp_path, plan)
    for arm in ("baseline", "a"):
        for seed in seeds:
            loss = 2.0 - 0.1 * (arm == "a") + 0.01 * seed
            record = made(arm, seed, loss, plan=plan.digest(), evaluation="rows", started="2026")
            Ledger(tmp_path).write(record)
    return tmp_path


def test_it_shows_progress_ratings_and_what_is_next(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    main(["lab", "--why", "--output-dir", str(root)])
    said = capsys.readouterr().out
    assert re.search(r"pruning +6/6 +1 supported", said)
    assert "1/1 planned: " in said
    assert (root / FILE).is_file()


def test_the_data_is_the_same(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["lab", "--json", "--output-dir", str(root)])
    plain = json.loads(capsys.readouterr().out)
    assert set(plain) == {"experiments", "factors", "distribution", "published", "sprints", "next"}
    (own,) = [each for each in plain["experiments"] if each["plans"]]
    assert own["results"][0]["rating"]["total"] == 5
    assert {each["claim"] for each in plain["published"]} >= {"document004_batches"}


def test_a_ledger_that_cannot_be_written_is_answered_from(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / FILE).mkdir()
    main(["lab", "--output-dir", str(root)])
    out, errors = capsys.readouterr()
    assert "pruning" in out
    assert FILE in errors
    assert "Traceback" not in errors


def test_before_the_first_run_it_lists_what_can_be_begun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "mine.yaml").write_text("claim:\n  cost: tokens\n")
    monkeypatch.chdir(tmp_path)
    main(["lab"])
    said = capsys.readouterr().out
    assert "not begun" in said
    assert "+sweeps=mine +sprint=15 -m" in said
    assert not (tmp_path / "outputs").exists()
