"""Documents of a data set on the Hugging Face hub, or of a folder that is laid out as one there."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Gt

from audition.data.fingerprint import fingerprint
from audition.data.repository import COMMIT, Repository
from audition.data.source import Source
from audition.data.text import Document, Text, split_every, without_copies
from audition.errors import AuditionError, choices
from audition.plain_file import write_file

EVERY = 10
"""One document in this many validates where the data set has no split for it."""


@dataclass(frozen=True, kw_only=True)
class Hub(Source):
    """A fixed number of documents, read once as a stream and kept as token ids.

    What is on the hub may change, so a commit is needed; of a folder the content is hashed. A
    document to train on that says what one that validates says is left out.
    """

    without_network: ClassVar[str] = ""
    """A command that makes a folder to try the set's path on, where there is one."""

    path: str
    """Its name on the hub, such as roneneldan/TinyStories; a folder of that name is taken first."""
    revision: str | None = None
    """The full hash of a commit, or a tag, which is looked up once; null for a folder."""
    subset: str | None = None
    """Which part of a data set that has several, `sample-10BT` for instance."""
    field: str = "text"
    """The column that holds the text."""
    training_split: str = "train"
    """Where the documents to train on are."""
    validation_split: str | None = "validation"
    """Where those that validate are; null takes every tenth of the others instead."""
    documents: Annotated[int, Gt(0)] = 20_000
    """The first so many of the training split are read, and are kept in memory once."""
    characters: Annotated[int, Gt(0)] | None = None
    """Reading ends with the document that reaches so many characters of the training split."""
    validation_documents: Annotated[int, Ge(1)] = 1_000
    """The first so many of the validation split are read."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self._repository.is_folder and self.revision is not None:
            raise AuditionError(
                f"data.revision={self.revision} has no meaning for the folder {self.path}, whose "
                "content is hashed: leave it null"
            )
        if not self._repository.is_folder and self.revision is None:
            raise AuditionError(
                f"data.revision is missing: give the commit of {self.path} that is meant, by its "
                "full hash of 40 digits or by a tag"
            )

    @property
    def text_fingerprint(self) -> str:
        read = {
            "from": self._at_commit.contents,
            "subset": self.subset,
            "field": self.field,
            "splits": [self.training_split, self.validation_split],
            "most": [self.documents, self.characters, self.validation_documents],
        }
        return fingerprint(read)

    @property
    def commit(self) -> str | None:
        """The full hash of the commit; None for a folder. A tag keeps the one it was first seen at."""
        if self.revision is None or COMMIT.fullmatch(self.revision):
            return self.revision
        seen = Path(self.cache_dir) / "hub" / f"{fingerprint({self.path: self.revision})}.json"
        if not seen.is_file():
            known = {
                "path": self.path,
                "tag": self.revision,
                "commit": _tag(self.path, self.revision),
            }
            write_file(seen, json.dumps(known, indent=1))
        return str(json.loads(seen.read_text(encoding="utf-8"))["commit"])

    @property
    def remarks(self) -> tuple[str, ...]:
        if self._repository.is_folder or self.revision == self.commit:
            return self._repository.remarks
        return (f"data.revision={self.revision} is commit {self.commit} of {self.path}",)

    def text(self) -> Text:
        training = tuple(self._read(self.training_split, self.documents, self.characters))
        if self.validation_split is None:
            return without_copies(split_every(training, EVERY))
        held_out = tuple(self._read(self.validation_split, self.validation_documents, None))
        return without_copies(Text(training, held_out))

    @property
    def _repository(self) -> Repository:
        """Without its commit, which may have to be looked up."""
        return Repository(
            self.path,
            subset=self.subset,
            cache_dir=self.cache_dir,
            without_network=self.without_network,
        )

    @property
    def _at_commit(self) -> Repository:
        return replace(self._repository, commit=self.commit)

    def _read(self, split: str, documents: int, characters: int | None) -> Iterator[Document]:
        """The documents of a split that are not empty, none of which spans two rows."""
        left = characters
        for number, row in enumerate(islice(self._rows(split), documents)):
            text = row[self.field]
            if text is not None and not isinstance(text, str):
                raise AuditionError(
                    f"data.field={self.field} of {self.path} is no text: row {number} of "
                    f"split {split} is of type {type(text).__name__}"
                )
            if text:
                yield Document(f"{split}/{number}", text)
            if left is not None and (left := left - len(text or "")) <= 0:
                return

    def _rows(self, split: str) -> Iterator[dict[str, Any]]:
        every = "; data.validation_split=null takes every tenth document in its place"
        missing = split == self.validation_split

        def hint(said: str) -> str:
            return every if missing and "split" in said else ""

        return self._at_commit.rows(split, {self.field: f"data.field={self.field}"}, hint=hint)


def _tag(path: str, tag: str) -> str:
    """The commit of a tag, as the hub tells it. A branch moves, so it is refused with its commit."""
    from huggingface_hub import HfApi

    try:
        refs = HfApi().list_repo_refs(path, repo_type="dataset")
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise AuditionError(
            f"data.revision={tag} cannot be looked up on the hub: {said[:300]}; the full hash of a "
            "commit needs no looking up"
        ) from error
    branches, tags = (
        {ref.name: str(ref.target_commit) for ref in found} for found in (refs.branches, refs.tags)
    )
    if tag in branches:
        raise AuditionError(
            f"data.revision={tag} is a branch, which moves: give the commit that it is at now, "
            f"data.revision={branches[tag]}"
        )
    if tag not in tags:
        raise AuditionError(f"data.revision={tag} is no tag of {path}{choices(tag, tags)}")
    return tags[tag]
