"""Files of a ledger that something broke: left out or named, whatever is in them."""

import os
from pathlib import Path

import pytest

from audition.errors import AuditionError
from audition.records.metrics import read_lines
from audition.records.plain import parsed
from audition.records.record import Record
from audition.records.registration import registrations
from audition.records.studies import read_accounts
from audition.records.submission import submissions
from audition.records.tuned import tuned_for

DEEP = "[" * 100_000
BROKEN = (DEEP, "[1, 2]", '{"arms": 3}', '{"schema": 1}', '"text"', "null", "", '{"jobs": [1]}')


def test_json_that_is_nested_too_deep_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="nested too deep"):
        parsed(DEEP)
    assert parsed('{"a": [1, null]}') == {"a": [1, None]}
    with pytest.raises(AuditionError, match="is not complete JSON"):
        Record.from_json(DEEP)


def test_a_ledger_of_broken_files_is_an_empty_one(tmp_path: Path) -> None:
    for folder in ("plans", "submissions", "tuned", "studies"):
        (tmp_path / folder).mkdir()
        for number, text in enumerate(BROKEN):
            (tmp_path / folder / f"{number}.json").write_text(text, encoding="utf-8")
        (tmp_path / folder / "noise.json").write_bytes(os.urandom(4000))
    assert registrations(tmp_path) == ()
    assert submissions(tmp_path) == ()
    assert tuned_for(tmp_path, "b") == ()
    accounts, unreadable = read_accounts(tmp_path)
    assert (accounts, len(unreadable)) == ((), len(BROKEN) + 1)


def test_a_runs_lines_are_those_that_can_be_read(tmp_path: Path) -> None:
    good = '{"step": 1, "units": 64, "val/loss": 1.5}'
    (tmp_path / "metrics.jsonl").write_text("\n".join((*BROKEN, good, DEEP)), encoding="utf-8")
    assert [line["step"] for line in read_lines(tmp_path)] == [1]
