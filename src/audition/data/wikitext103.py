"""WikiText-103: Wikipedia's good and featured articles (Merity et al. 2016), under CC BY-SA 3.0.

Rows of the data set are lines; they are joined, and cut into articles where a title stands alone.
The raw form keeps rare words, but its words are still set apart by spaces, ` @-@ ` among them.
Published perplexities are per word of 267,735 types and compare with no loss per token;
`evaluator=[words]` measures one per word of this text.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from audition.data.hub import Hub
from audition.data.text import Document

TITLE = re.compile(r" = (?!= )(.+?)(?<! =) = \n?")


@dataclass(frozen=True, kw_only=True)
class WikiText103(Hub):
    """Articles in full; `documents` counts them."""

    without_network: ClassVar[str] = "python -m scripts.stand_ins wikitext103 FOLDER"

    path: str = "Salesforce/wikitext"
    """Its name on the hub; a folder of that name is taken first."""
    revision: str | None = "b08601e04326c79dfdd32d625aee71d232d685c3"
    """The full hash of a commit, or a tag, which is looked up once; null for a folder."""
    subset: str | None = "wikitext-103-raw-v1"
    """The raw form; `wikitext-103-v1` has <unk> in the place of rare words."""

    def _read(self, split: str, documents: int, characters: int | None) -> Iterator[Document]:
        left = characters
        lines = (str(row[self.field] or "") for row in self._rows(split))
        for number, article in enumerate(articles(lines)):
            if number == documents or (left is not None and left <= 0):
                return
            left = None if left is None else left - len(article)
            yield Document(f"{split}/{number}", article)


def articles(lines: Iterable[str]) -> Iterator[str]:
    """The articles of rows of text: each begins at a title between two empty lines.

    Examples:
        >>> rows = ["", " = Tea = \\n", "", " A drink . \\n", " = = Use = = \\n"]
        >>> [len(article) for article in articles([*rows, "", " = Ale = \\n", ""])]
        [36, 10]
    """
    so_far: list[str] = []
    before, title = "", ""  # the line before, and a title that an empty line has to follow
    for line in (*lines, ""):
        if title and not line.strip():
            if "".join(so_far).strip():
                yield "".join(so_far)
            so_far = []
        so_far += [title] if title else []
        title = line if TITLE.fullmatch(line) and not before.strip() else ""
        so_far += [] if title else [line]
        before = line
    if "".join(so_far).strip():
        yield "".join(so_far)
