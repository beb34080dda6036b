"""From text to token ids and back: characters, and byte-level byte pairs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from audition.data.text import Text, contents
from audition.errors import AuditionError

Ids = NDArray[np.uint32]
"""[tokens], one id each."""

Kind = Literal["characters", "bpe"]


class Tokenizer(Protocol):
    """A fixed vocabulary. Decoding what was encoded gives the text back exactly."""

    @property
    def size(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """The ids of each text. Raises ValueError for a character that no id stands for."""
        ...

    def decode(self, ids: Iterable[int]) -> str: ...

    def byte_lengths(self) -> NDArray[np.int64]:
        """[size]: the UTF-8 bytes that each id stands for."""
        ...

    def to_json(self) -> str: ...


@dataclass(frozen=True)
class Characters:
    """One id a character.

    The training split's characters come first, by code point. A character that only the validation
    split has gets an id after them: no step trains it, so it costs what an unknown character costs,
    its bytes are counted, and nothing is lost or guessed.
    """

    alphabet: str  # the character of each id

    @classmethod
    def learn(cls, text: Text) -> "Characters":
        known = set().union(*contents(text.training))
        unseen = set().union(*contents(text.validation)) - known
        return cls("".join(sorted(known) + sorted(unseen)))

    @property
    def size(self) -> int:
        return len(self.alphabet)

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        points = _code_points(self.alphabet)
        nowhere = self.size
        table = np.full(int(points.max()) + 2, nowhere, dtype=np.uint32)
        table[points] = np.arange(self.size, dtype=np.uint32)
        encoded = []
        for text in texts:
            ids = table[np.minimum(_code_points(text), len(table) - 1)]
            if (ids == nowhere).any():
                raise ValueError(f"no id stands for {text[int(np.argmax(ids == nowhere))]!r}")
            encoded.append(ids)
        return encoded

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(self.alphabet[i] for i in ids)

    def byte_lengths(self) -> NDArray[np.int64]:
        return np.array([len(c.encode()) for c in self.alphabet], dtype=np.int64)

    def to_json(self) -> str:
        return json.dumps({"kind": "characters", "alphabet": self.alphabet})


class BytePairs:
    """Byte-level byte pair encoding: every text can be written, and byte counts are exact."""

    def __init__(self, model: str) -> None:
        from tokenizers import Tokenizer as Pairs

        self.model = model  # in the `tokenizers` library's own JSON
        self._pairs: Any = Pairs.from_str(model)

    @classmethod
    def learn(cls, text: Text, vocab_size: int) -> "BytePairs":
        """Merges learned on the training split only; the same text gives the same vocabulary.

        Raises AuditionError where the text has too few different pairs for the vocabulary.
        """
        from tokenizers import Tokenizer as Pairs
        from tokenizers import decoders, models, pre_tokenizers, trainers

        pairs: Any = Pairs(models.BPE())
        pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        pairs.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            show_progress=False,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        )
        pairs.train_from_iterator(contents(text.training), trainer)
        if pairs.get_vocab_size() < vocab_size:
            raise AuditionError(
                f"data.vocab_size={vocab_size} is too large for this text: "
                f"it has no more than {pairs.get_vocab_size()} tokens to learn, so choose that many or "
                "fewer"
            )
        return cls(pairs.to_str())

    @property
    def size(self) -> int:
        return int(self._pairs.get_vocab_size())

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        encoded = self._pairs.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(each.ids, dtype=np.uint32) for each in encoded]

    def decode(self, ids: Iterable[int]) -> str:
        return str(self._pairs.decode(list(ids), skip_special_tokens=False))

    def byte_lengths(self) -> NDArray[np.int64]:
        # A byte-level token is spelled with one printable character for each of its bytes.
        spelled = (self._pairs.id_to_token(i) for i in range(self.size))
        return np.array([len(token) for token in spelled], dtype=np.int64)

    def to_json(self) -> str:
        return json.dumps({"kind": "bpe", "model": self.model})


def learn(text: Text, kind: Kind, vocab_size: int | None) -> Tokenizer:
    """The tokenizer of a corpus."""
    if kind == "characters":
        return Characters.learn(text)
    assert vocab_size is not None
    return BytePairs.learn(text, vocab_size)


def load(path: Path) -> Tokenizer:
    """The tokenizer whose `to_json` was written to `path`."""
    saved = json.loads(path.read_text(encoding="utf-8"))
    if saved["kind"] == "characters":
        return Characters(saved["alphabet"])
    return BytePairs(saved["model"])


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
