"""A corpus as text: named documents, split into those to train on and those to validate on."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Document:
    """One play, or one file."""

    name: str
    text: str


@dataclass(frozen=True)
class Text:
    """The two splits of a corpus; a batch's document ids count within its split, in this order."""

    training: tuple[Document, ...]
    validation: tuple[Document, ...]


def contents(documents: Iterable[Document]) -> list[str]:
    """The text of each document."""
    return [document.text for document in documents]
