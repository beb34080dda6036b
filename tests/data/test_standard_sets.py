"""TinyStories and WikiText-103 by the code that reads the real ones, from folders laid out alike."""

from importlib.util import find_spec

import pytest

from audition.data.text import Document, contents
from audition.data.tinystories import END, TinyStories, cleaned
from audition.data.wikitext103 import WikiText103
from audition.errors import AuditionError

pytestmark = pytest.mark.skipif(find_spec("datasets") is None, reason="no datasets")
STORIES = ["Tim ran.", "â€œHi,â€\x9d said Zoë.", "", "Tim ran.", " ", "He sat.", "A cat."]


def test_stories_are_repaired_and_never_read_twice():
    kept, dropped, repaired = cleaned(Document(str(i), text) for i, text in enumerate(STORIES))
    assert contents(kept) == [
        f"{t}{END}" for t in ("Tim ran.", "“Hi,” said Zoë.", "He sat.", "A cat.")
    ]
    assert (dropped, repaired) == (3, 1)


def rows(folder, **splits):
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True)
    for split, texts in splits.items():
        pq.write_table(pa.table({"text": texts}), folder / f"{split}-00000-of-00001.parquet")


def test_tiny_stories_leave_out_what_validates_and_say_how_many(tmp_path):
    rows(
        tmp_path / "stories/data", train=STORIES * 30 + ["So it was. " * 40], validation=["A cat."]
    )
    (tmp_path / "stories/README.md").write_text("# Data\n\nA stand-in for TinyStories: ours.\n")
    source = TinyStories(
        path=str(tmp_path / "stories"),
        revision=None,
        context=4,
        batch_size=2,
        evaluation_tokens="full",
        cache_dir=str(tmp_path / "cache"),
    )
    text = source.text()
    assert contents(text.validation) == [f"A cat.{END}"]
    assert len(text.training) == 4
    assert f"A cat.{END}" not in contents(text.training)
    assert source.remarks == ("A stand-in for TinyStories: ours.",)
    source.check()
    # 180 rows that are not empty and a long one, of which five say something new.
    assert source.remarks[1].endswith(
        "30 with a repaired encoding, 176 repeated or empty, 1 that validate left out of training"
    )
    tokens = source.tokenised().training
    last = tokens.ids[tokens.starts[1:] - 1]
    assert len({*last.tolist()}) == 1  # every story ends in the one token


def test_wikitext_is_cut_at_its_titles_and_nowhere_else(tmp_path):
    lines = [
        "",
        " = Tea = \n",
        "",
        " A drink . \n",
        " = = Use = = \n",
        " = x = \n",
        "",
        " = Ale = \n",
        "",
    ]
    for split in ("train", "validation"):
        rows(tmp_path / split / "wikitext-103-raw-v1", **{split: lines})
    folder = tmp_path / "set"
    rows(folder / "wikitext-103-raw-v1", train=lines, validation=lines)
    configs = "".join(
        f"  - split: {s}\n    path: wikitext-103-raw-v1/{s}-*\n" for s in ("train", "validation")
    )
    (folder / "README.md").write_text(
        f"---\nconfigs:\n- config_name: wikitext-103-raw-v1\n  data_files:\n{configs}---\n"
    )
    source = WikiText103(path=str(folder), revision=None, cache_dir=str(tmp_path / "cache"))
    articles = [d.text for d in source._read("train", 10, None)]
    assert articles == [" = Tea = \n A drink . \n = = Use = = \n = x = \n", " = Ale = \n"]
    assert len(list(source._read("train", 1, None))) == 1


def test_real_sets_are_pinned_and_a_branch_is_none(tmp_path, monkeypatch):
    for kind in (TinyStories, WikiText103):
        assert len(kind().commit) == 40
        with pytest.raises(AuditionError, match="has no meaning for the folder"):
            kind(path=str(tmp_path))

    def offline(*given, **settings):
        raise ConnectionError("no network")

    monkeypatch.setattr("datasets.load_dataset", offline)
    with pytest.raises(AuditionError, match=r"python -m scripts\.stand_ins tinystories FOLDER"):
        TinyStories(cache_dir=str(tmp_path)).text()
