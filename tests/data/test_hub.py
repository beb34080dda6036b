"""Data sets of the hub, by the same code from a folder with the hub's layout: no network here."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audition.data.hub import Hub
from audition.data.text import contents
from audition.errors import AuditionError
from audition.recipe.streams import Streams

pytestmark = pytest.mark.skipif(find_spec("datasets") is None, reason="no datasets")

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LINE = "so shaken as we are, so wan with care — find we a time"


def write(
    folder: Path, split: str, texts: list[Any], shards: int = 1, column: str = "text"
) -> None:
    """The parquet files of a split, named as the hub names them."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    size = -(-len(texts) // shards)
    for i in range(shards):
        part = texts[i * size :][:size]
        table = pa.table({column: part, "length": [len(str(text)) for text in part]})
        pq.write_table(table, folder / f"data/{split}-{i:05d}-of-{shards:05d}.parquet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("hub") / "plays"
    write(home, "train", [f"{i} {LINE}" for i in range(40)], shards=3)
    write(home, "validation", [f"{i} held out {LINE}" for i in range(10)])
    return home


@pytest.fixture
def of(folder: Path, tmp_path: Path) -> Callable[..., Hub]:
    """Settings -> the source on the folder, or on `path`."""

    def source(**settings: Any) -> Hub:
        known = {"batch_size": 2, "context": 8, "evaluation_tokens": "full", "path": str(folder)}
        return Hub(cache_dir=str(tmp_path / "cache"), **(known | settings))

    return source


def test_the_first_documents_of_each_split_in_the_order_of_its_files(of) -> None:
    text = of(documents=30, validation_documents=4).text()
    assert contents(text.training) == [f"{i} {LINE}" for i in range(30)]
    assert contents(text.validation) == [f"{i} held out {LINE}" for i in range(4)]
    assert len(of(documents=1000).text().training) == 40


def test_characters_end_the_training_text_with_a_whole_document(of) -> None:
    size = len(f"0 {LINE}")
    few = of(characters=3 * size - 1).text()
    assert contents(few.training) == [f"{i} {LINE}" for i in range(3)]
    assert len(few.validation) == 10


def test_without_a_split_of_its_own_every_tenth_document_validates(of) -> None:
    text = of(validation_split=None).text()
    assert contents(text.validation) == [f"{i} {LINE}" for i in (0, 10, 20, 30)]
    assert len(text.training) == 36


def test_nothing_that_validates_is_trained_on(of, tmp_path: Path) -> None:
    home = tmp_path / "twice"
    write(home, "train", ["a", "b", "", None, "c", "a"])
    write(home, "validation", ["b", "c", "d"])
    text = of(path=str(home)).text()
    assert contents(text.training) == ["a", "a"]
    assert contents(text.validation) == ["b", "c", "d"]


def test_the_identity_is_what_is_read(of, folder: Path, tmp_path: Path) -> None:
    source = of()
    before = source.text_fingerprint
    for change in ({"documents": 30}, {"field": "other"}, {"validation_split": None}):
        assert of(**change).text_fingerprint != before
    home = tmp_path / "copied"
    write(home, "train", [f"{i} {LINE}" for i in range(40)], shards=3)
    write(home, "validation", [f"{i} held out {LINE}" for i in range(10)])
    assert of(path=str(home)).text_fingerprint == before
    write(home, "validation", ["another"])
    assert of(path=str(home)).text_fingerprint != before
    named = of(path="a/b", revision=COMMIT)
    assert named.text_fingerprint != of(path="a/b", revision=COMMIT[::-1]).text_fingerprint
    assert named.text_fingerprint != of(path="a/c", revision=COMMIT).text_fingerprint


def test_ids_are_made_once_and_batches_need_the_library_no_more(of, monkeypatch) -> None:
    source = of(tokenizer="bpe", vocab_size=280)
    ids = source.tokenised().training.ids
    monkeypatch.setattr("datasets.load_dataset", None)
    again = of(tokenizer="bpe", vocab_size=280, batch_size=3)
    assert again.tokenised().training.ids.tobytes() == ids.tobytes()
    assert ids.dtype == "uint16"
    assert again.open(Streams(1)).probe(0).rows == 3


@pytest.fixture
def online(folder: Path, monkeypatch) -> list[dict[str, Any]]:
    """A hub that has the folder as `bard/plays`; what was asked of it."""
    asked: list[dict[str, Any]] = []
    import datasets

    load = datasets.load_dataset

    def loading(path: str, **how: Any) -> Any:
        asked.append({"path": path, **how})
        return load(str(folder), **(how | {"revision": None}))

    def refs(api: object, path: str, repo_type: str) -> SimpleNamespace:
        asked.append({"refs of": path})
        at = {"main": "b" * 40}, {"v1": COMMIT}
        branches, tags = (
            [SimpleNamespace(name=name, target_commit=commit) for name, commit in found.items()]
            for found in at
        )
        return SimpleNamespace(branches=branches, tags=tags)

    monkeypatch.setattr("datasets.load_dataset", loading)
    monkeypatch.setattr("huggingface_hub.HfApi.list_repo_refs", refs)
    return asked


def test_the_commit_is_what_is_asked_for_and_streamed(of, online) -> None:
    source = of(path="bard/plays", revision=COMMIT)
    assert len(source.text().training) == 40
    assert source.remarks == ()
    assert [(a["revision"], a["split"], a["streaming"]) for a in online] == [
        (COMMIT, "train", True),
        (COMMIT, "validation", True),
    ]


def test_a_tag_is_looked_up_once_and_written_down(of, online, tmp_path: Path) -> None:
    source = of(path="bard/plays", revision="v1")
    assert source.text_fingerprint == of(path="bard/plays", revision=COMMIT).text_fingerprint
    assert source.remarks == (f"data.revision=v1 is commit {COMMIT} of bard/plays",)
    source.tokenised()
    assert [a for a in online if "refs of" in a] == [{"refs of": "bard/plays"}]
    assert {a["revision"] for a in online if "path" in a} == {COMMIT}
    (seen,) = (tmp_path / "cache" / "hub").glob("*.json")
    assert COMMIT in seen.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"path": "a/b"}, r"data\.revision is missing: give the commit of a/b that is meant"),
        ({"revision": "v1"}, r"data\.revision=v1 has no meaning for the folder .* leave it null$"),
        ({"path": "a/b", "revision": "main"}, rf"is a branch, .* data\.revision={'b' * 40}$"),
        ({"path": "a/b", "revision": "v2"}, r"=v2 is no tag of a/b; choose from: v1$"),
        ({"path": "/absent"}, r"data\.path=/absent cannot be read: No such file"),
        ({"field": "texts"}, r"data\.field=texts is no column of .* did you mean 'text'\?"),
        ({"field": "length"}, r"data\.field=length .* is no text: row 0 of split train is of type"),
        ({"training_split": "tests"}, r"split tests, cannot be read: Bad split: tests\. Available"),
        ({"validation_split": "held"}, r"Bad split: held\..*; data\.validation_split=null takes every"),
        ({"subset": "deep"}, r"split train, cannot be read: BuilderConfig 'deep' not found"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_a_sentence(of, online, settings, sentence: str) -> None:
    with pytest.raises(AuditionError, match=sentence) as told:
        of(**settings).check()
    assert "\n" not in str(told.value)


def test_a_hub_that_is_out_of_reach_leaves_no_half_of_a_text(of, online, monkeypatch) -> None:
    def unreachable(*asked: Any, **how: Any) -> Any:
        raise ConnectionError("Couldn't reach\nthe hub")

    monkeypatch.setattr("huggingface_hub.HfApi.list_repo_refs", unreachable)
    with pytest.raises(AuditionError, match=r"cannot be looked up on the hub: Couldn't reach the"):
        _ = of(path="bard/plays", revision="v1").text_fingerprint

    rows = SimpleNamespace(column_names=None)

    def breaking(columns: list[str]):
        yield {"text": LINE}
        unreachable()

    rows.select_columns = breaking
    monkeypatch.setattr("datasets.load_dataset", lambda *asked, **how: rows)
    source = of(path="bard/plays", revision=COMMIT)
    with pytest.raises(AuditionError, match=r"data\.path=bard/plays, .* Couldn't reach the hub$"):
        source.tokenised()
    assert not source.prepared


def test_without_the_package_the_extra_is_named(of, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(AuditionError, match=r"pip install 'audition\[hub\]'$"):
        of().text()
