"""Files of a ledger that something broke: left out or named, whatever is in them."""

import json
import os
from math import inf, isnan
from pathlib import Path
from typing import Any

import pytest

from audition.errors import AuditionError
from audition.records.codec import filled, finite, parsed, read
from audition.records.folder import Folder
from audition.records.metrics import read_lines
from audition.records.races import RACES, Race, Turn
from audition.records.record import Record
from audition.records.registration import PLANS, registrations
from audition.records.studies import STUDIES
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
    accounts, unreadable = STUDIES.read(tmp_path)
    assert (accounts, len(unreadable)) == ((), len(BROKEN) + 1)


def test_a_runs_lines_are_those_that_can_be_read(tmp_path: Path) -> None:
    good = '{"step": 1, "units": 64, "val/loss": 1.5}'
    (tmp_path / "metrics.jsonl").write_text("\n".join((*BROKEN, good, DEEP)), encoding="utf-8")
    assert [line["step"] for line in read_lines(tmp_path)] == [1]


def test_what_json_lacks_is_read_as_python_writes_it() -> None:
    said = {"a": inf, "b": -inf, "name": "\udcff", "large": 10**400}
    assert parsed(json.dumps(said)) == said
    assert isnan(parsed("NaN"))
    assert filled(finite({"x": [inf, 1.5], "y": (None, 2)}), inf) == {
        "x": [inf, 1.5],
        "y": [inf, 2],
    }


TURN = Turn("a", "c", 1, (1, 2), None, inf, "run", "")
RACE = Race("b", (TURN,), 2, 4)


def test_a_folder_gives_back_what_was_put_there(tmp_path: Path) -> None:
    assert RACES.get(tmp_path, "b") is None
    path = RACES.write(tmp_path, "b", RACE)
    assert path == tmp_path / "races" / "b.json"
    assert RACES.get(tmp_path, "b") == RACE
    assert RACES.read(tmp_path) == ((RACE,), ())
    (tmp_path / "file").touch()
    with pytest.raises(AuditionError, match=r"^cannot write .*file/races/b\.json: Not a directory"):
        RACES.write(tmp_path / "file", "b", RACE)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"runs": "2"}, "has runs='2', which Audition never writes"),
        ({"runs": True}, "has runs=True, which Audition never writes"),
        ({"turns": [{}]}, "has turns=[{}], which Audition never writes"),
        ({"turns": None}, "has turns=None, which Audition never writes"),
        ({"moon": 1}, "has moon, which this version does not know"),
    ],
)
def test_the_field_that_is_wrong_is_named(facts: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = RACES.write(tmp_path, "b", RACE)
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))
    (found,) = RACES.read(tmp_path)[1]
    assert str(found) == f"{path} {said}"


def test_all_that_is_missing_is_named() -> None:
    with pytest.raises(AuditionError, match=r"^lacks baseline_hash, runs$"):
        read(Race, {"turns": [], "runs_at_fixed_seeds": 1})


def test_an_upgrade_that_fails_is_told_as_a_file_of_others(tmp_path: Path) -> None:
    folder = Folder("races", Race, upgrade=lambda plain: plain["nothing"])
    RACES.write(tmp_path, "b", RACE)
    assert [each.reason for each in folder.read(tmp_path)[1]] == ["was not written by Audition"]


def test_the_plans_of_audition_0_2_keep_their_digests() -> None:
    root = Path(__file__).parent / "v020"
    plans, unreadable = PLANS.read(root)
    assert not unreadable
    assert {p.digest() for p in plans} == {path.stem for path in (root / "plans").glob("*.json")}
