"""TinyStories: short stories in the words of small children (Eldan & Li 2023), repaired.

The text is under CDLA-Sharing-1.0. Its files of "V2" are another set: losses on them do not compare.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from audition.data.hub import Hub
from audition.data.text import Document, Text, contents
from audition.data.tokenizers import learn
from audition.data.tokens import Tokenised

END = "\n\x03"
"""Ends a story: the second character is a token by itself, in characters and in byte pairs."""
REPAIRS = "repairs.json"

_DAMAGED = re.compile(
    "[\u00c2-\u00f4][\u0080-\u00bf\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030"
    "\u0160\u2039\u0152\u017d\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153"
    "\u017e\u0178]+"
)
"""UTF-8 that was once read as Windows-1252: a first byte, and those that go on."""


@dataclass(frozen=True, kw_only=True)
class TinyStories(Hub):
    """Stories without the damage of their encoding, none of them twice, each ended by a token.

    A story to train on that validates as well is left out. How many of each there were is said.
    """

    without_network: ClassVar[str] = "python -m scripts.stand_ins tinystories FOLDER"

    path: str = "roneneldan/TinyStories"
    """Its name on the hub; a folder of that name is taken first."""
    revision: str | None = "f54c09fd23315a6f9c86f9dc80f725de7d8f9c64"
    """The full hash of a commit, or a tag, which is looked up once; null for a folder."""

    @property
    def remarks(self) -> tuple[str, ...]:
        counted = Path(self.cache_dir) / self.corpus_fingerprint / REPAIRS
        if not counted.is_file():
            return super().remarks
        many = json.loads(counted.read_text(encoding="utf-8"))
        said = ", ".join(f"{n:,} {what}" for what, n in many.items())
        return (*super().remarks, f"of the stories that were read: {said}")

    def text(self) -> Text:
        return self._cleaned()[0]

    def _save(self, folder: Path) -> None:
        text, counts = self._cleaned()
        Tokenised.of(text, learn(text, self.tokenizer, self.vocab_size)).save(folder)
        (folder / REPAIRS).write_text(json.dumps(counts), encoding="utf-8")

    def _cleaned(self) -> tuple[Text, dict[str, int]]:
        split = self.validation_split or self.training_split
        held_out, again, mended = cleaned(self._read(split, self.validation_documents, None))
        read = self._read(self.training_split, self.documents, self.characters)
        training, repeated, repaired = cleaned(read)
        known = set(contents(held_out))
        kept = tuple(story for story in training if story.text not in known)
        return Text(kept, tuple(held_out)), {
            "with a repaired encoding": mended + repaired,
            "repeated or empty": again + repeated,
            "that validate left out of training": len(training) - len(kept),
        }


def cleaned(stories: Iterable[Document]) -> tuple[list[Document], int, int]:
    """The stories that say something new, how many did not, and how many were repaired."""
    known: dict[str, Document] = {}
    many = mended = 0
    for story in stories:
        text = repaired(story.text).strip()
        mended += text != story.text.strip()
        many += 1
        if text:
            known.setdefault(text, Document(story.name, text + END))
    return list(known.values()), many - len(known), mended


def repaired(text: str) -> str:
    """The text, with UTF-8 that was read as Windows-1252 read as what it is.

    Examples:
        >>> repaired("â€œHiâ€\x9d, said ZoÃ«")
        '“Hi”, said Zoë'
        >>> repaired("Zoë's café")
        "Zoë's café"
    """
    return _DAMAGED.sub(_reread, text)


def _reread(found: re.Match[str]) -> str:
    try:
        return b"".join(map(_byte, found[0])).decode()
    except UnicodeDecodeError:
        return found[0]


def _byte(character: str) -> bytes:
    """As Windows-1252 writes it; five bytes have no character there and stayed what they were."""
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")
