"""A tokenised corpus: ids in memory-mapped files, and where each document begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audition.data.text import Document, Text, contents
from audition.data.tokenizers import Tokenizer, load


@dataclass(frozen=True)
class Tokens:
    """The documents of one split, one after another."""

    ids: NDArray[Any]  # [N] uint16, or uint32 for a vocabulary over 65,536
    starts: NDArray[np.int64]  # [documents + 1], the last being N

    @classmethod
    def of(cls, documents: Sequence[Document], tokenizer: Tokenizer) -> "Tokens":
        """The documents in the narrowest ids that the vocabulary fits."""
        dtype = np.uint16 if tokenizer.size <= 1 << 16 else np.uint32
        encoded = [ids.astype(dtype) for ids in tokenizer.encode(contents(documents))]
        ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
        return cls(np.concatenate([np.empty(0, dtype), *encoded]), ends)

    def document_of(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """The index of the document that holds each position, of the same shape."""
        return self.starts.searchsorted(positions, side="right") - 1


@dataclass(frozen=True)
class Tokenised:
    """Both splits of a corpus, and the tokenizer that reads them."""

    tokenizer: Tokenizer
    training: Tokens
    validation: Tokens

    @classmethod
    def of(cls, text: Text, tokenizer: Tokenizer) -> "Tokenised":
        training = Tokens.of(text.training, tokenizer)
        return cls(tokenizer, training, Tokens.of(text.validation, tokenizer))

    def save(self, folder: Path, part: str = "") -> None:
        """Write it into `folder`, where corpora of one tokenizer may lie beside it as other parts."""
        (folder / "tokenizer.json").write_text(self.tokenizer.to_json(), encoding="utf-8")
        for name, tokens in (("training", self.training), ("validation", self.validation)):
            np.save(folder / f"{part}{name}.npy", tokens.ids)
            np.save(folder / f"{part}{name}.starts.npy", tokens.starts)

    @classmethod
    def load(cls, folder: Path, part: str = "") -> "Tokenised":
        """What `save` wrote; the ids stay on disk, and all runs of a machine share their pages."""
        training, validation = (
            # Indexing an np.memmap is slow, indexing an array upon the same memory is not.
            Tokens(
                np.asarray(np.load(folder / f"{part}{name}.npy", mmap_mode="r")),
                np.load(folder / f"{part}{name}.starts.npy"),
            )
            for name in ("training", "validation")
        )
        return cls(load(folder / "tokenizer.json"), training, validation)
