"""Why something ended: a sentence in a record, however much an exception has to say."""

import json
from typing import Any

import pytest

from audition.errors import AuditionError
from audition.reasons import LONGEST, cut, described
from audition.records.record import NOTES, Record
from audition.training.attempt import reason_of

CORPUS = "To be, or not to be — that is the question.\n" * 30_000


def record(**facts: Any) -> Record:
    return Record(
        key="k",
        config_hash="c",
        baseline_hash="",
        arm="a",
        ideas=(),
        seed=1,
        status="failed",
        **facts,
    )


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [
        ("as it is", 8, "as it is"),
        ("one too long", 8, "one too…"),
        ("a word\n  too many", 8, "a word …"),
        ("two\nlines  here", 20, "two lines  here"),
        ("x" * 1000, LONGEST, "x" * (LONGEST - 1) + "…"),
        ("", 8, ""),
    ],
)
def test_a_text_is_cut_to_a_sentences_length(text: str, most: int, short: str) -> None:
    assert cut(text, most) == short


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError


def failure() -> UnicodeDecodeError:
    with pytest.raises(UnicodeDecodeError) as told:
        CORPUS.encode("cp1252").decode()
    return told.value


@pytest.mark.parametrize(
    ("error", "begins"),
    [
        (failure(), "UnicodeDecodeError: 'utf-8' codec can't decode byte 0x97 in position 20"),
        (ValueError(CORPUS), "ValueError: To be, or not to be"),
        (AuditionError(CORPUS), "To be, or not to be"),
        (OSError(28, "No space left on device", "/x"), "/x: No space left on device"),
        (KeyError("name"), "KeyError: 'name'"),
        (Mute(), "Mute"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_a_record_holds_a_sentence_of_any_failure(error: Exception, begins: str) -> None:
    filed = record().ended("failed", reason_of(error))
    assert filed.reason.startswith(begins)
    assert len(filed.reason) <= LONGEST
    assert "\n" not in filed.reason
    assert len(described(error)) <= LONGEST
    assert Record.from_json(filed.to_json()) == filed


def test_an_operation_that_a_card_cannot_repeat_names_the_setting() -> None:
    torchs = (
        "cumsum_cuda_kernel does not have a deterministic implementation, but you set "
        "'torch.use_deterministic_algorithms(True)'. You can turn off determinism just for this "
    )
    said = reason_of(RuntimeError(torchs))
    assert said.startswith("cumsum_cuda_kernel has no kernel that gives the same bits twice")
    assert "execution.deterministic=false" in said


def test_notes_are_as_short_and_the_newest_are_kept() -> None:
    filed = record(notes=(CORPUS, *(f"attempt {n}" for n in range(200))))
    assert (len(filed.notes), filed.notes[-1]) == (NOTES, "attempt 199")
    assert len(record(notes=(CORPUS,)).notes[0]) == LONGEST


def test_an_older_record_with_a_corpus_in_it_is_read_short() -> None:
    plain = {**json.loads(record().to_json()), "reason": CORPUS, "notes": [CORPUS]}
    read = Record.from_json(json.dumps(plain))
    assert len(read.reason) == len(read.notes[0]) == LONGEST
    with pytest.raises(AuditionError, match=r"^has metrics='To be.*…, which") as told:
        Record.from_json(json.dumps({**plain, "metrics": CORPUS}))
    assert len(str(told.value)) < 200
