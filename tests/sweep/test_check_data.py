"""Data of which no run could be made are refused at the door: no plan, no folder, one sentence."""

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from audition.errors import AuditionError
from audition.sweep.arms import Question
from audition.sweep.check import check_data
from audition.sweep.compose import Composer
from audition.sweep.plan import make_plan

TEXT = "To be, or not to be, that is the question.\n" * 400


@pytest.fixture
def words(tmp_path: Path) -> Callable[..., tuple[str, ...]]:
    """Content -> what is typed to train on it, on two arms."""

    def of(content: bytes, *more: str) -> tuple[str, ...]:
        path = tmp_path / "text.txt"
        path.write_bytes(content)
        digest = sha256(content).hexdigest()
        own = (f"data.path={path}", f"data.sha256={digest}", "data.evaluation_tokens=full")
        return ("data=tiny_shakespeare", *own, *more, "+idea=placebo", "seed=1,2", "-m")

    return of


REFUSED = [
    (
        TEXT.replace("be", "bé").encode("cp1252"),
        (),
        "byte 0xe9 at position 4, line 1; WINDOWS-1252",
    ),
    (TEXT.encode("utf-16"), (), "byte 0xff at position 0, line 1; UTF-16 perhaps"),
    (b"", (), "is empty: there is nothing to train on"),
    (b"abc", (), "the training text has 2 tokens, too few for windows of any length"),
    (b"abcdefgh" * 10, (), "too long for the training text of 72 tokens: choose 23 or less"),
    (TEXT.encode(), ("data.batch_size=5000",), "data.batch_size=5000 is more than the "),
    (
        TEXT[:4000].encode(),
        ("model.context=700", "data.batch_size=1"),
        "data.context=700 is longer than every validation",
    ),
    (
        TEXT.encode(),
        ("data.evaluation_tokens=90000",),
        "90000 is more than the validation text has",
    ),
    (
        TEXT.encode(),
        ("data.tokenizer=bpe", "data.vocab_size=4096"),
        "data.vocab_size=4096 is too large for this text",
    ),
]


@pytest.mark.parametrize(("content", "more", "said"), REFUSED)
def test_a_text_that_no_run_could_train_on_is_refused_before_the_plan_is_written(
    words: Callable[..., tuple[str, ...]],
    composer: Composer,
    ask: Callable[[str], Question],
    content: bytes,
    more: tuple[str, ...],
    said: str,
) -> None:
    line = " ".join(words(content, *more)[:-1])
    with pytest.raises(AuditionError, match=re.escape(said)) as told:
        make_plan(ask(f"model=tiny {line}"), composer)
    assert len(str(told.value)) < 500


def test_what_was_done_to_a_text_is_said_once_for_all_arms(
    words: Callable[..., tuple[str, ...]],
    composer: Composer,
    ask: Callable[[str], Question],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    crlf = TEXT.replace("\n", "\r\n").encode()
    line = " ".join(words(crlf, f"paths.cache_dir={tmp_path}/cache")[:-1])
    make_plan(ask(f"model=tiny {line}"), composer)
    path = tmp_path / "text.txt"
    assert capsys.readouterr().err.splitlines() == [
        "audition: the text is made into tokens, once for all runs",
        f"audition: data.path={path} has 400 line ends of CR or CRLF, which are read as newlines",
    ]


def test_a_persons_own_source_may_do_without_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    check_data({"data": {"_target_": "types.SimpleNamespace", "own": 1}})
