"""Makes a small folder in the layout of a data set that cannot be had here, to try its whole path.

    python -m scripts.stand_ins tinystories FOLDER

What it is made of is said by its README.md, and so by every sweep and benchmark that reads it.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from audition.data.shakespeare import Plays
from audition.data.text import Document
from audition.data.wikipedia import Articles
from audition.errors import AuditionError

STORY = 800
"""Characters of a piece of a play, about."""


def tinystories(folder: Path) -> str:
    """Pieces of Shakespeare's plays, in two files of training stories and one that validates."""
    text = Plays().text()
    _write(folder / "data", "train", _pieces(text.training), files=2)
    _write(folder / "data", "validation", _pieces(text.validation)[:500])
    return "A stand-in for TinyStories: pieces of Shakespeare's plays in the same files."


def wikitext103(folder: Path) -> str:
    """gensim's sample of Wikipedia, a line a row, titles marked as WikiText marks them."""
    text, subset = Articles().text(), "wikitext-103-raw-v1"
    for split, documents in (("train", text.training), ("validation", text.validation)):
        _write(folder / subset, split, [line for each in documents for line in _lines(each)])
    return "A stand-in for WikiText-103: gensim's sample of Wikipedia in the same files."


SETS: Mapping[str, Callable[[Path], str]] = {"tinystories": tinystories, "wikitext103": wikitext103}


def make(name: str, folder: Path) -> str:
    """Make the stand-in of that name; returns what it is. Raises AuditionError for another name."""
    if name not in SETS:
        raise AuditionError(f"there is no stand-in for {name}: choose {', '.join(SETS)}")
    folder.mkdir(parents=True, exist_ok=True)
    said = SETS[name](folder)
    configs = (
        f"---\nconfigs:\n- config_name: {subset}\n  data_files:\n"
        f"  - split: train\n    path: {subset}/train-*\n"
        f"  - split: validation\n    path: {subset}/validation-*\n---\n"
        if (subset := "wikitext-103-raw-v1") and (folder / subset).is_dir()
        else ""
    )
    (folder / "README.md").write_text(f"{configs}{said}\n", encoding="utf-8")
    return said


def _write(folder: Path, split: str, texts: Sequence[str], files: int = 1) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    for i in range(files):
        part = texts[i * len(texts) // files : (i + 1) * len(texts) // files]
        name = f"{split}-{i:05d}-of-{files:05d}.parquet"
        pq.write_table(pa.table({"text": list(part)}), folder / name)


def _pieces(documents: Sequence[Document]) -> list[str]:
    """The documents in pieces of a few speeches."""
    found = [""]
    for document in documents:
        for speech in document.text.split("\n\n"):
            if len(found[-1]) > STORY:
                found.append("")
            found[-1] += speech + "\n\n"
    return found


def _lines(document: Document) -> list[str]:
    title, *paragraphs = document.text.splitlines()
    body = [f" {each} \n" for each in paragraphs if each.strip()]
    return ["", f" = {title} = \n", "", *body]


if __name__ == "__main__":
    try:
        print(make(sys.argv[1], Path(sys.argv[2])))
    except (AuditionError, IndexError) as error:
        raise SystemExit(str(error) if sys.argv[2:] else str(__doc__)) from None
