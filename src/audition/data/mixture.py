"""Batches of which a fixed share of the rows is of one domain and the others of a second.

Shape suffixes: B rows of a batch.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from audition.recipe.batches import Batch, Batches, Clock, carry_text


class Part(Batches, Protocol):
    """Batches of one domain, any number of rows at a time."""

    def taken(self, first: int, rows: int) -> Batch:
        """Rows of the order in which a run trains on them, the `first` counted from 0."""
        ...

    def drawn(self, step: int, rows: int) -> Batch:
        """Rows that no step trains on."""
        ...


class Mixture:
    """The `Batches` of two domains; `groups` says of which one a row is.

    Of the rows that a run trains on, counted from its start, the first n have floor(n * share) of
    the first domain: so the shares hold in every batch, up to one row, and are a function of the step.
    """

    def __init__(
        self,
        parts: tuple[Part, Part],
        *,
        domains: tuple[str, ...],
        share: float,
        batch_size: int,
        behind: tuple[int, int],
    ) -> None:
        """A mixture.

        Args:
            parts: the batches of both, whose rows are of one shape; each draws from streams of its own.
            domains: the names of both.
            share: of the rows, those of the first; in (0, 1).
            batch_size: rows of a batch, B.
            behind: what is added to the numbers of the second's rows, of those to train on and of those
                held out, so that no two rows share a number.
        """
        self.domains, self.shape = domains, parts[0].shape
        self._share, self._rows, self._parts, self._behind = share, batch_size, parts, behind
        carry_text(parts[0], self)

    def train(self, clock: Clock) -> Batch:
        first = clock.step * self._rows
        before = int(first * self._share)
        of_first = self._of_first(first)
        many = int(of_first.sum())
        one = self._parts[0].taken(before, many)
        other = self._parts[1].taken(first - before, self._rows - many)
        return self._mixed(one, other, of_first)

    def within(self, *names: str) -> Batches:
        """One domain alone; itself where both are named."""
        if set(names) == set(self.domains):
            return self
        (name,) = names
        domain = self.domains.index(name)
        return Alone(self._parts[domain], domain, self._behind)

    def probe(self, step: int) -> Batch:
        of_first = self._of_first(step * self._rows)
        many = int(of_first.sum())
        one, other = (
            part.drawn(step, rows)
            for part, rows in zip(self._parts, (many, self._rows - many), strict=True)
        )
        return self._mixed(one, other, of_first)

    def held_out(self, at_once: int = 2048) -> Iterator[Batch]:
        return chain(*(self.within(name).held_out(at_once) for name in self.domains))

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


class Alone:
    """The `Batches` of one domain of a mixture, numbered as there."""

    domains: tuple[str, ...] = ()

    def __init__(self, part: Part, domain: int, behind: tuple[int, int]) -> None:
        self.shape, self._part, self._domain = part.shape, part, domain
        self._training, self._held_out = (each * domain for each in behind)
        carry_text(part, self)

    def train(self, clock: Clock) -> Batch:
        return _of(self._part.train(clock), self._domain, self._training)

    def probe(self, step: int) -> Batch:
        return _of(self._part.probe(step), self._domain, self._training)

    def held_out(self, at_once: int = 2048) -> Iterator[Batch]:
        for batch in self._part.held_out(at_once):
            yield _of(batch, self._domain, self._held_out)


def _of(batch: Batch, domain: int, behind: int) -> Batch:
    return replace(batch, ids=batch.ids + behind, groups=torch.full_like(batch.groups, domain))
