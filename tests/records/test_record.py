"""A record: the round trip through its file, numbers that JSON lacks, and texts that are none."""

import json
from math import inf, isnan, nan
from typing import Any

import pytest

from audition.errors import AuditionError
from audition.records.record import SCHEMA, Record


def record(**facts: Any) -> Record:
    given = {
        "key": "k",
        "config_hash": "c",
        "baseline_hash": "b",
        "arm": "placebo",
        "ideas": ("placebo",),
        "seed": 42,
        "status": "finished",
        "metrics": {"val_loss": 1.5, "val_loss_best": 1.4, "val_bpb": 2.1},
    }
    return Record(**{**given, **facts})


def test_the_round_trip() -> None:
    whole = record(
        overrides=("+idea=placebo", "seed=42"),
        budget={"tokens": 10, "steps": None, "minutes": 0.5},
        cards={"placebo": "abc"},
        units=10,
        seconds=0.1,
        weights="ab",
        notes=("a sentence",),
    )
    assert Record.from_json(whole.to_json()) == whole


def test_a_record_from_before_a_fact_was_kept_is_read() -> None:
    plain = json.loads(record(weights="ab", notes=("a sentence",)).to_json())
    del plain["weights"], plain["notes"]
    assert Record.from_json(json.dumps(plain)) == record()


def test_the_names_that_others_rely_on() -> None:
    names = "schema key arm ideas seed status metrics units steps seconds forward_passes"
    plain = json.loads(record().to_json())
    assert {*names.split(), "backward_passes", "config_hash"} <= plain.keys()
    assert plain["metrics"].keys() == {"val_loss", "val_loss_best", "val_bpb"}
    assert plain["schema"] == SCHEMA


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_what_is_not_finite_is_null_in_the_file_and_not_a_number_when_read(value: float) -> None:
    text = record(metrics={"val_loss": value}).to_json()
    assert json.loads(text, parse_constant=pytest.fail)["metrics"] == {"val_loss": None}
    assert isnan(Record.from_json(text).metrics["val_loss"])


def test_a_field_of_a_later_version_is_passed_over() -> None:
    plain = json.loads(record().to_json()) | {"mood": "good"}
    assert Record.from_json(json.dumps(plain)) == record()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"schema": 0}, "has schema 0, and this version reads 1 and 2"),
    ({"schema": "one"}, "has schema one"),
    ({"seed": "42"}, "has seed='42', which Audition never writes"),
    ({"seed": True}, "has seed=True"),
    ({"status": "great"}, "has status='great'"),
    ({"metrics": [1.5]}, "has metrics="),
    ({"metrics": {"val_loss": "low"}}, "has metrics="),
    ({"ideas": "placebo"}, "has ideas='placebo'"),
    ({"arm": None}, "has arm=None"),
]


@pytest.mark.parametrize(("facts", "said"), WRONG)
def test_a_fact_of_the_wrong_kind_is_named(facts: dict[str, Any], said: str) -> None:
    with pytest.raises(AuditionError, match=said):
        Record.from_json(json.dumps(json.loads(record().to_json()) | facts))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not complete JSON"),
        ('{"schema": 1, "ke', "is not complete JSON"),
        ("[]", "was not written by Audition"),
        ('{"loss": 1.0}', "was not written by Audition"),
        ('{"schema": 1, "key": "k"}', "lacks arm, baseline_hash"),
    ],
)
def test_a_text_that_is_no_record_is_told_apart(text: str, said: str) -> None:
    with pytest.raises(AuditionError, match=said):
        Record.from_json(text)


def test_only_an_outcome_settles_a_run() -> None:
    settled = {
        s
        for s in ("running", "finished", "diverged", "failed", "interrupted")
        if record(status=s).settled
    }
    assert settled == {"finished", "diverged"}
