"""Batches cut from token ids, each a pure function of the seed and the step.

Shape suffixes: B rows of a batch, T tokens of a row (the context), W windows.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audition.data.cuts import Cuts, Starts
from audition.data.tokens import Tokenised, Tokens
from audition.recipe.batches import Batch, Clock, Shape
from audition.recipe.streams import Streams


class Windows:
    """The `Batches` of a tokenised corpus.

    Training text is cut, each epoch anew from a random offset, into windows of T + 1 tokens that do
    not overlap; they are taken in random order, and a batch may end one epoch and begin the next.
    """

    domains: tuple[str, ...] = ()

    def __init__(
        self,
        corpus: Tokenised,
        streams: Streams,
        *,
        batch_size: int,
        context: int,
        evaluation_tokens: int | None,
    ) -> None:
        """Raises AuditionError where the corpus cannot give such batches.

        Args:
            corpus: the token ids of both splits.
            streams: the run's; the streams `data` and `probe` are drawn from.
            batch_size: rows of a batch, B.
            context: tokens of a row, T.
            evaluation_tokens: of the held-out windows together; None takes all.
        """
        self.shape = Shape((context,), corpus.tokenizer.size)
        self.tokenizer = corpus.tokenizer
        self._corpus, self._streams = corpus, streams
        self._rows, self._context = batch_size, context
        self._ahead = np.arange(context + 1)
        cuts = Cuts.of(
            corpus, batch_size=batch_size, context=context, evaluation_tokens=evaluation_tokens
        )
        self._stretches, self._held_out = cuts.stretches, cuts.held_out
        self._order = lru_cache(maxsize=2)(self._ordered)  # two, for rows between two epochs

    @property
    def windows_per_epoch(self) -> int:
        return self._stretches.windows

    @property
    def rows(self) -> int:
        """Of a batch."""
        return self._rows

    def train(self, clock: Clock) -> Batch:
        return self.taken(clock.step * self._rows, self._rows)

    def taken(self, first: int, rows: int) -> Batch:
        """Rows of the order in which the run trains on windows, the `first` counted from 0."""
        places, many = np.arange(first, first + rows), self.windows_per_epoch
        epochs = places // many
        starts = [self._order(int(e))[places[epochs == e] - e * many] for e in np.unique(epochs)]
        return self._cut(self._corpus.training, np.concatenate([np.empty(0, np.int64), *starts]))

    def probe(self, step: int) -> Batch:
        return self.drawn(step, self._rows)

    def drawn(self, step: int, rows: int) -> Batch:
        """Windows of the text set aside, drawn afresh each step, so two may share tokens."""
        places = torch.randint(
            self._stretches.probe_places,
            (rows,),
            generator=self._streams.generator("probe", step),
        )
        return self._cut(self._corpus.training, self._stretches.probe_starts(places.numpy()))

    def held_out(self, at_once: int = 2048) -> Iterator[Batch]:
        rows = max(1, at_once // self._context)
        for i in range(0, len(self._held_out), rows):
            yield self._cut(self._corpus.validation, self._held_out[i : i + rows])

    def byte_lengths(self) -> Tensor:
        """[V] int64: the UTF-8 bytes that each token id stands for."""
        return torch.from_numpy(self._corpus.tokenizer.byte_lengths())

    def token_texts(self) -> tuple[str, ...]:
        """[V]: the characters of each token id; the replacement character for a part of one."""
        tokenizer = self._corpus.tokenizer
        return tuple(tokenizer.decode([i]) for i in range(tokenizer.size))

    def _ordered(self, epoch: int) -> Starts:
        """Where the windows of an epoch start, in the order in which they are trained on."""
        generator = self._streams.generator("data", epoch)
        offset = int(torch.randint(self._context + 1, (), generator=generator))
        order: NDArray[np.int64] = torch.randperm(
            self.windows_per_epoch, generator=generator
        ).numpy()
        return self._stretches.starts(offset)[order]

    def _cut(self, tokens: Tokens, starts: Starts) -> Batch:
        rows = tokens.ids[starts[:, None] + self._ahead].astype(np.int64)  # [B, T + 1]
        return Batch(
            inputs=torch.from_numpy(rows[:, :-1].copy()),
            targets=torch.from_numpy(rows[:, 1:].copy()),
            ids=torch.from_numpy(starts.astype(np.int64)),
            groups=torch.from_numpy(tokens.document_of(starts)),
        )
