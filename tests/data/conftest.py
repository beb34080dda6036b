"""A small corpus, quick to tokenise, whose source is a setting like any other."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from audition.data.fingerprint import fingerprint
from audition.data.source import Source
from audition.data.text import Document, Text

torch.set_num_threads(1)

VERSE = "The quality of mercy is not strain'd; it droppeth as the gentle rain — from heaven. "


@dataclass(frozen=True, kw_only=True)
class Verses(Source):
    """Numbered verses: five documents to train on, two to validate on."""

    lines: int = 60

    @property
    def text_fingerprint(self) -> str:
        return fingerprint({"verses": self.lines})

    def text(self) -> Text:
        def document(name: str) -> Document:
            return Document(name, "".join(f"{name}.{i} {VERSE}\n" for i in range(self.lines)))

        return Text(
            training=tuple(document(name) for name in "abcde"),
            validation=tuple(document(name) for name in "xy"),
        )


@pytest.fixture
def verses(tmp_path: Path) -> Verses:
    return Verses(batch_size=4, context=16, evaluation_tokens=256, cache_dir=str(tmp_path))
