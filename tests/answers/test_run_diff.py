"""Two makings of a run: every bit of the outcome counts, and what was around it is named."""

import json
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import pytest

from audition.answers.run_diff import RunResult, compare
from audition.records.record import Record

RECORD = Record(
    key="k",
    config_hash="c",
    baseline_hash="c",
    arm="baseline",
    ideas=(),
    seed=1,
    status="finished",
    metrics={"val_loss": 0.1 + 0.2},
    weights="ab",
    steps=4,
    code="one",
)
LINE = {"step": 2, "units": 64, "val/loss": 1.5}
DIFF = {"sha256": "abcdef1234", "bytes": 99, "lines": 12, "file": "provenance/abcdef1234.diff"}
ORIGIN = {
    "git": {"audition": {"sha": "s", "diff": None}},
    "versions": {"torch": "2.13"},
    "arithmetic": {"threads": 1},
    "command": ["here"],
}
RESULT = RunResult(RECORD, (LINE,), ORIGIN)


def test_the_same() -> None:
    again = replace(
        RESULT,
        record=replace(RECORD, started="later", host="elsewhere", seconds=9.0, notes=("resumed",)),
        origin={**ORIGIN, "command": ["there"]},
    )
    likeness = compare(RESULT, again)
    assert likeness.same
    assert likeness.surroundings == ()
    assert {"weights", "val_loss", "val/loss at step 2"} <= set(likeness.compared)


OTHER_OUTCOMES: list[tuple[str, RunResult]] = [
    ("val_loss", replace(RESULT, record=replace(RECORD, metrics={"val_loss": 0.3}))),
    ("weights", replace(RESULT, record=replace(RECORD, weights="ac"))),
    ("status", replace(RESULT, record=replace(RECORD, status="diverged"))),
    ("steps", replace(RESULT, record=replace(RECORD, steps=5))),
    (
        "val/loss at step 2",
        replace(RESULT, evaluations=({**LINE, "val/loss": 1.5000000000000002},)),
    ),
    ("val/loss at step 2", replace(RESULT, evaluations=())),
]


@pytest.mark.parametrize(("what", "again"), OTHER_OUTCOMES)
def test_one_bit_is_a_difference(what: str, again: RunResult) -> None:
    likeness = compare(RESULT, again)
    assert [d.what for d in likeness.differences] == [what]
    assert not likeness.same


OTHER_SURROUNDINGS: list[tuple[str, Any, Any]] = [
    ("commit of audition", {"git": {"audition": {"sha": "t", "diff": None}}}, ("s", "t")),
    (
        "edits of audition",
        {"git": {"audition": {"sha": "s", "diff": DIFF}}},
        ("none", "12 lines of diff (abcdef12)"),
    ),
    # As Audition 0.2 wrote it.
    ("edits of audition", {"git": {"sha": "s", "diff": "+x"}}, ("none", "1 lines of diff (")),
    ("versions.torch", {"versions": {"torch": "2.14"}}, ("2.13", "2.14")),
    ("arithmetic.threads", {"arithmetic": {"threads": 2}}, (1, 2)),
]


@pytest.mark.parametrize(("what", "changed", "values"), OTHER_SURROUNDINGS)
def test_what_differs_around_it_is_named_and_is_no_difference(
    what: str, changed: dict[str, Any], values: tuple[Any, Any]
) -> None:
    likeness = compare(RESULT, replace(RESULT, origin={**ORIGIN, **changed}))
    (found,) = likeness.surroundings
    assert found.what == what
    assert found.recorded == values[0]
    assert str(found.again).startswith(str(values[1]))
    assert likeness.same


def test_the_code_is_around_it() -> None:
    likeness = compare(RESULT, replace(RESULT, record=replace(RECORD, code="two")))
    assert [d.what for d in likeness.surroundings] == ["code"]


def test_an_older_record_is_compared_by_what_it_has() -> None:
    older = RunResult(replace(RECORD, weights=""), (), {})
    likeness = compare(older, RESULT)
    assert likeness.same
    assert "weights" not in likeness.compared


def test_no_number_is_the_same_as_no_number() -> None:
    diverged = replace(RESULT, record=replace(RECORD, metrics={"val_loss": nan}))
    assert compare(diverged, diverged).same


def test_it_is_read_from_the_folder(tmp_path: Path) -> None:
    lines = [{"step": 1, "train/loss": 2.0}, LINE]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "metrics.jsonl").write_text(text + '{"step": 3, "val')
    (tmp_path / "repro.json").write_text(json.dumps(ORIGIN))
    assert RunResult.read(RECORD, tmp_path) == RESULT
    assert RunResult.read(RECORD, tmp_path / "nowhere") == RunResult(RECORD, (), {})
