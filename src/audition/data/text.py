"""A corpus as text: named documents, split into those to train on and those to validate on."""

from collections.abc import Iterable, Sequence
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


def split_end(name: str, text: str, share: float) -> Text:
    """One document, of which the last `share` of the characters validates."""
    cut = int(len(text) * (1 - share))
    return Text((Document(name, text[:cut]),), (Document(name, text[cut:]),))


def split_every(documents: Sequence[Document], every: int) -> Text:
    """The first of every `every` documents validates, in the order they come in."""
    training = tuple(document for i, document in enumerate(documents) if i % every)
    return Text(training, tuple(documents[::every]))


def without_copies(text: Text) -> Text:
    """The text without the training documents that say what a validation document says."""
    held_out = set(contents(text.validation))
    return Text(tuple(d for d in text.training if d.text not in held_out), text.validation)
