"""The interface of a corpus: a text in two splits, and what it is known by."""

from abc import ABC, abstractmethod

from audition.data.text import Text


class Corpus(ABC):
    """What a text is, without how it is made into tokens and windows."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Changes to the text that its owner should know of, a sentence each."""
        return ()

    @property
    @abstractmethod
    def text_fingerprint(self) -> str:
        """A quick fingerprint of the text. Raises AuditionError where that is missing or another."""

    @abstractmethod
    def text(self) -> Text:
        """The documents of both splits."""
