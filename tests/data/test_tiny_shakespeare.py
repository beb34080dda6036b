"""A text file of the user's, held to its hash."""

from hashlib import sha256
from pathlib import Path

import pytest

from audition.data.text import contents
from audition.data.tiny_shakespeare import TinyShakespeare
from audition.errors import AuditionError

CONTENT = "First Citizen:\nBefore we proceed any further, hear me speak.\n\n" * 40


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "input.txt"
    path.write_text(CONTENT)
    return path


def test_another_file_is_refused(path: Path) -> None:
    source = TinyShakespeare(path=str(path))
    for ask in (source.text, lambda: source.corpus_fingerprint):
        with pytest.raises(AuditionError, match=r"86c4e6aa.* is expected: set data\.sha256 if"):
            ask()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AuditionError, match=r"data\.path=.*absent\.txt cannot be read: No such"):
        TinyShakespeare(path=str(tmp_path / "absent.txt")).text()


def test_nine_tenths_train(path: Path) -> None:
    source = TinyShakespeare(path=str(path), sha256=sha256(CONTENT.encode()).hexdigest())
    training, validation = map(contents, (source.text().training, source.text().validation))
    assert training == [CONTENT[: int(len(CONTENT) * 0.9)]]
    assert training[0] + validation[0] == CONTENT


def test_where_the_file_lies_is_not_what_it_says(path: Path, tmp_path: Path) -> None:
    digest = sha256(CONTENT.encode()).hexdigest()
    moved = tmp_path / "moved.txt"
    moved.write_text(CONTENT)
    one, other = (TinyShakespeare(path=str(p), sha256=digest) for p in (path, moved))
    assert one.evaluation_fingerprint == other.evaluation_fingerprint
