"""Makes a small folder in the layout of a data set that cannot be had here, to try its whole path.

    python -m scripts.stand_ins tinystories FOLDER

What it is made of is said by its README.md, and so by every sweep and benchmark that reads it.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audition.data.cifar10 import TEST, TRAINING
from audition.data.mnist_5k import file as mnist_5k
from audition.data.pictures import read_table
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


def cifar10(folder: Path) -> str:
    """Handwritten digits, each class in a colour, in the six files of the binary version."""
    pictures, classes = _digits(7000 + 1000)
    records = np.concatenate([classes[:, None], pictures.reshape(len(pictures), -1)], 1)
    for name, part in zip(
        (*TRAINING, *TEST), np.split(records, range(1400, 7001, 1400)), strict=True
    ):
        (folder / name).write_bytes(part.tobytes())
    return "A stand-in for CIFAR-10: digits of MNIST, some of them mirrored, in the same files."


def imagenet(folder: Path) -> str:
    """Handwritten digits as JPEG files of uneven sizes; of three one is grey, one CMYK, one a PNG."""
    from PIL import Image

    pictures, classes = _digits(1000)
    odd = {0: ("L", "JPEG"), 1: ("CMYK", "JPEG"), 2: ("RGB", "PNG")}
    for number, (pixels, each) in enumerate(zip(pictures, classes, strict=True)):
        split = "train" if number < 900 else "val"
        path = folder / split / f"n{each:08d}" / f"n{each:08d}_{number}.JPEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        mode, form = odd.get(number, ("RGB", "JPEG"))
        image = Image.fromarray(pixels.transpose(1, 2, 0))
        sides = 40 + number % 7, 40 + number % 5
        image.resize(sides).convert(mode).save(path, format=form)
    return "A stand-in for ImageNet: digits of MNIST as JPEG files in the same folders."


SETS: Mapping[str, Callable[[Path], str]] = {
    "tinystories": tinystories,
    "wikitext103": wikitext103,
    "cifar10": cifar10,
    "imagenet": imagenet,
}


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


def _digits(many: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """So many digits [N, 3, 32, 32] in random order, each class in its own colour, and the classes."""
    pixels, classes = read_table(mnist_5k(), 28)
    pixels, classes = np.tile(pixels, (2, 1, 1, 1)), np.tile(classes, 2)
    pixels[len(pixels) // 2 :] = pixels[len(pixels) // 2 :, :, :, ::-1]
    chosen = np.random.default_rng(10).permutation(len(classes))[:many]
    grey = np.pad(pixels[chosen], ((0, 0), (0, 0), (2, 2), (2, 2))).astype(np.float32)
    turns = 2 * np.pi * (classes[chosen, None] / 10 + np.arange(3) / 3)
    colour = 0.7 + 0.3 * np.cos(turns)  # [N, 3]
    found = (grey * colour[:, :, None, None]).astype(np.uint8)
    return found, classes[chosen].astype(np.uint8)


def _lines(document: Document) -> list[str]:
    title, *paragraphs = document.text.splitlines()
    body = [f" {each} \n" for each in paragraphs if each.strip()]
    return ["", f" = {title} = \n", "", *body]


if __name__ == "__main__":
    try:
        print(make(sys.argv[1], Path(sys.argv[2])))
    except (AuditionError, IndexError) as error:
        raise SystemExit(str(error) if sys.argv[2:] else str(__doc__)) from None
