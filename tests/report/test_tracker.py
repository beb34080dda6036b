"""The tracker: derived whole, byte for byte the same, and what its tables and views say."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from made_records import made

from audition.amount import Amount
from audition.answers.lab.outlook import lab_of
from audition.errors import AuditionError
from audition.records.registration import (
    PlannedArm,
    PlannedClaim,
    Registration,
    register,
    registrations,
)
from audition.records.sprints import Sprint, file_sprint
from audition.records.store import Ledger
from audition.report.tracker import FILE, VERSION, write_tracker


@pytest.fixture
def ledger(tmp_path):
    found, seeds = Ledger(tmp_path), (1, 2, 3)
    plan = Registration(
        baseline_hash="baseline",
        baseline_seeds=seeds,
        arms=tuple(PlannedArm(name=n, config_hash=n, seeds=seeds, cards={}) for n in ("a", "b")),
        metric="val_loss",
        sesoi=0.01,
        sprint=15,
        claims=(PlannedClaim(cost="model_bytes", k=2.0, delta=0.2, arms=("a", "b")),),
        command="python -m src.train +sweeps=pruning -m",
    )
    register(tmp_path, plan)
    sizes = {"baseline": 8.0, "a": 4.0, "b": 6.0}
    losses = {"baseline": 2.0, "a": 2.1, "b": 2.2}
    for arm, size in sizes.items():
        for seed in seeds:
            found.write(
                made(
                    arm,
                    seed,
                    losses[arm] + 0.01 * seed,
                    plan=plan.digest(),
                    evaluation="rows",
                    started="2026",
                    costs={"model_bytes": Amount(size, "bytes", "measured")},
                    parent={"place": "p", "weights": "w"} if arm == "a" else {},
                )
            )
    file_sprint(
        tmp_path,
        Sprint(
            began="2026-01-01T00:00:00+00:00",
            ended="2026-01-01T00:10:00+00:00",
            minutes=15,
            plan=plan.digest(),
            command="",
            arms=3,
            seeds=seeds,
            complete=seeds,
            trained=9,
            workers=2,
            pace={"a": 1.0},
            end="done",
        ),
    )
    return found


def write(ledger):
    contents, plans = ledger.read(), registrations(ledger.root)
    lab = lab_of(ledger, contents, plans, (), ledger.root / "sweeps")
    path = ledger.root / FILE
    write_tracker(path, contents.records, plans, lab)
    return path


def ask(path, query):
    with closing(sqlite3.connect(path)) as base:
        return base.execute(query).fetchall()


def test_every_table_says_what_the_ledger_holds(ledger):
    path = write(ledger)
    assert ask(path, "PRAGMA user_version") == [(VERSION,)]
    tables = ("run", "metric", "derived", "plan", "verdict", "rating", "sprint", "claim")
    counts = {name: ask(path, f"SELECT count(*) FROM {name}")[0][0] for name in tables}
    assert counts == {
        "run": 9,
        "metric": 9,
        "derived": 3,
        "plan": 1,
        "verdict": 2,
        "rating": 2,
        "sprint": 1,
        "claim": 2,
    }
    assert ask(path, "SELECT experiment, sprint FROM plan") == [("pruning", 15.0)]
    assert ask(path, "SELECT json_extract(record, '$.seed') FROM run WHERE key = 'a2'") == [(2,)]
    assert ask(
        path,
        "SELECT arm, word, round(score, 6) FROM claim JOIN verdict USING (plan, config_hash)"
        " ORDER BY arm",
    ) == [("a", "supported", 2.0), ("b", "refuted", None)]
    ((total, reasons),) = ask(path, "SELECT total, reasons FROM rating WHERE arm = 'a'")
    assert total >= 0
    assert reasons.count("/") >= 8


def test_views_have_an_arm_a_line_and_the_arms_that_no_other_beats(ledger):
    path = write(ledger)
    assert ask(path, "SELECT arm, finished FROM arm ORDER BY arm") == [
        ("a", 3),
        ("b", 3),
        ("baseline", 3),
    ]
    best = "SELECT arm FROM frontier WHERE cost = 'model_bytes' ORDER BY value"
    assert ask(path, best) == [("a",), ("baseline",)]  # b is larger than a, and worse


def test_it_is_the_same_bytes_twice_and_never_added_to(ledger):
    path = write(ledger)
    first = path.read_bytes()
    assert write(ledger).read_bytes() == first
    path.write_bytes(b"not a database")
    assert write(ledger).read_bytes() == first
    assert [each.name for each in ledger.root.glob("lab.sqlite*")] == [FILE]


def test_the_order_of_the_records_does_not_matter(ledger):
    contents, plans = ledger.read(), registrations(ledger.root)
    lab = lab_of(ledger, contents, plans, (), ledger.root / "sweeps")
    paths = [ledger.root / "x.sqlite", ledger.root / "y.sqlite"]
    write_tracker(paths[0], contents.records, plans, lab)
    write_tracker(paths[1], contents.records[::-1], plans, lab)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_no_answer_reads_it(ledger, monkeypatch):
    """Damaged, locked or gone: the lab says the same."""
    path = write(ledger)
    contents, plans = ledger.read(), registrations(ledger.root)
    before = lab_of(ledger, contents, plans, (), ledger.root / "sweeps").to_dict()
    path.write_bytes(b"0")
    monkeypatch.setattr(sqlite3, "connect", None)
    assert lab_of(ledger, contents, plans, (), ledger.root / "sweeps").to_dict() == before
    assert ledger.read() == contents


def test_a_number_that_is_none_is_null(ledger):
    record = ledger.read().records[0]
    ledger.write(replace(record, metrics={"val_loss": float("nan")}))
    rows = ask(write(ledger), f"SELECT value FROM metric WHERE key = '{record.key}'")
    assert rows == [(None,)]


def test_where_it_cannot_be_written_a_sentence_says_so(ledger):
    (ledger.root / FILE).mkdir()
    with pytest.raises(AuditionError, match=r"lab\.sqlite"):
        write(ledger)
    assert [each.name for each in ledger.root.glob("lab.sqlite*")] == [FILE]
