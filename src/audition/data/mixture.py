"""Batches of which a fixed share of the rows is of one text and the others of a second.

Shape suffixes: B rows of a batch.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audition.data.tokens import Tokenised
from audition.data.windows import Windows
from audition.recipe.batches import Batch, Batches, Clock
from audition.recipe.streams import Streams


class Mixture:
    """The `Batches` of two corpora of one tokenizer; `groups` says of which domain a row is.

    Of the rows that a run trains on, counted from its start, the first n have floor(n * share) of
    the first domain: so the shares hold in every batch, up to one row, and are a function of the step.
    """

    def __init__(
        self,
        corpora: tuple[Tokenised, Tokenised],
        streams: Streams,
        *,
        domains: tuple[str, ...],
        share: float,
        batch_size: int,
        context: int,
        evaluation_tokens: tuple[int | None, int | None],
    ) -> None:
        """Raises AuditionError where a corpus cannot give such batches.

        Args:
            corpora: the token ids of both, from one tokenizer.
            streams: the run's; each domain draws from a subtree of its own.
            domains: the names of both.
            share: of the rows, those of the first; in (0, 1).
            batch_size: rows of a batch, B.
            context: tokens of a row.
            evaluation_tokens: of the held-out windows of each; None takes all.
        """
        self.domains = domains
        self._share, self._rows = share, batch_size
        self._parts = tuple(
            Windows(
                corpus,
                streams.child("domain", str(i)),
                batch_size=batch_size,
                context=context,
                evaluation_tokens=total,
            )
            for i, (corpus, total) in enumerate(zip(corpora, evaluation_tokens, strict=True))
        )
        self.shape, self.tokenizer = self._parts[0].shape, self._parts[0].tokenizer
        # A row of the second domain is numbered behind all of the first: no two rows share a number.
        self._behind = len(corpora[0].training.ids), len(corpora[0].validation.ids)

    def train(self, clock: Clock) -> Batch:
        first = clock.step * self._rows
        before = int(first * self._share)
        of_first = self._of_first(first)
        many = int(of_first.sum())
        one = self._parts[0].taken(before, many)
        other = self._parts[1].taken(first - before, self._rows - many)
        return self._mixed(one, other, of_first)

    def within(self, *names: str) -> Batches:
        """One text alone; itself where both are named."""
        if set(names) == set(self.domains):
            return self
        (name,) = names
        return self._parts[self.domains.index(name)]

    def probe(self, step: int) -> Batch:
        of_first = self._of_first(step * self._rows)
        many = int(of_first.sum())
        one, other = (
            part.drawn(step, rows)
            for part, rows in zip(self._parts, (many, self._rows - many), strict=True)
        )
        return self._mixed(one, other, of_first)

    def held_out(self, at_once: int = 2048) -> Iterator[Batch]:
        first, second = (part.held_out(at_once) for part in self._parts)
        return chain(
            (_of(batch, 0, 0) for batch in first),
            (_of(batch, 1, self._behind[1]) for batch in second),
        )

    def byte_lengths(self) -> Tensor:
        """[V] int64: the UTF-8 bytes that each token id stands for."""
        return self._parts[0].byte_lengths()

    def _of_first(self, first: int) -> NDArray[np.bool_]:
        """[B]: which rows of the batch that begins with row `first` are of the first domain."""
        whole = np.floor(np.arange(first, first + self._rows + 1) * self._share)
        chosen: NDArray[np.bool_] = np.diff(whole) > 0
        return chosen

    def _mixed(self, one: Batch, other: Batch, of_first: NDArray[np.bool_]) -> Batch:
        """The rows of both, each where `of_first` wants it: a part of a batch has both domains too."""
        order = np.where(of_first, of_first.cumsum() - 1, one.rows + (~of_first).cumsum() - 1)
        one, other = _of(one, 0, 0), _of(other, 1, self._behind[0])
        rows = torch.from_numpy(order)
        return Batch(
            inputs=torch.cat([one.inputs, other.inputs])[rows],
            targets=torch.cat([one.targets, other.targets])[rows],
            ids=torch.cat([one.ids, other.ids])[rows],
            groups=torch.cat([one.groups, other.groups])[rows],
        )


def _of(batch: Batch, domain: int, behind: int) -> Batch:
    return replace(batch, ids=batch.ids + behind, groups=torch.full_like(batch.groups, domain))
