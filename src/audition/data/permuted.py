"""The same pictures in several orders of their pixels: as many domains, each with all the classes.

Shape suffixes: B rows of a batch, C channels, P places of a picture, K orders, V answers.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from audition.errors import AuditionError
from audition.recipe.batches import Batch, Batches, Clock, Shape
from audition.recipe.streams import Streams


def orders_of(streams: Streams, many: int, places: int) -> Tensor:
    """[K, P]: the places as they are, then in random orders that are drawn from `streams`."""
    drawn = [
        torch.randperm(places, generator=streams.generator("pixels", k)) for k in range(1, many)
    ]
    return torch.stack([torch.arange(places), *drawn])


class Permuted:
    """The `Batches` of K domains at once; row after row of a batch is of one domain after the other.

    All channels of a place move together. Every domain has the rows of the whole in one sequence.
    """

    def __init__(self, whole: Batches, orders: Tensor, *, own_answers: bool = False) -> None:
        """Domains of `whole`.

        Args:
            whole: pictures.
            orders: [K, P], where each place of a picture comes from.
            own_answers: whether class c of domain k is answer k V + c, or c.

        Raises AuditionError where the rows are no pictures.
        """
        if len(whole.shape.inputs) != 3:
            raise AuditionError(
                f"permuted pixels are those of pictures, and these rows are of shape "
                f"{whole.shape.inputs}: choose data=digits, data=mnist_5k or data=fashion"
            )
        self.whole, self.orders = whole, orders
        self.domains = names_of(len(orders))
        self._apart = whole.shape.outputs if own_answers else 0
        self.shape = whole.shape
        if own_answers:
            self.shape = Shape(whole.shape.inputs, whole.shape.outputs * len(orders))

    def within(self, *names: str) -> Batches:
        """One order alone; itself where all are named."""
        if set(names) == set(self.domains):
            return self
        (name,) = names
        return InOrder(self, self.domains.index(name))

    def train(self, clock: Clock) -> Batch:
        batch = self.whole.train(clock)
        return self.of(batch, self._in_turn(batch, clock.step))

    def probe(self, step: int) -> Batch:
        batch = self.whole.probe(step)
        return self.of(batch, self._in_turn(batch, step))

    def held_out(self, at_once: int = 2048) -> Iterator[Batch]:
        for domain in range(len(self.orders)):
            for batch in self.whole.held_out(at_once):
                yield self.of(batch, torch.full_like(batch.groups, domain))

    def of(self, batch: Batch, domain: Tensor) -> Batch:
        """The rows of the whole as those of a domain each, [B]."""
        flat = batch.inputs.flatten(2)  # [B, C, P]
        order = self.orders[domain][:, None].expand_as(flat)
        return replace(
            batch,
            inputs=flat.gather(2, order).view_as(batch.inputs),
            targets=batch.targets + self._apart * domain,
            groups=domain,
        )

    def _in_turn(self, batch: Batch, step: int) -> Tensor:
        return (step * batch.rows + torch.arange(batch.rows)) % len(self.orders)


class InOrder:
    """The `Batches` of one domain of `Permuted`."""

    domains: tuple[str, ...] = ()

    def __init__(self, permuted: Permuted, domain: int) -> None:
        self._permuted, self._domain, self.shape = permuted, domain, permuted.shape

    def train(self, clock: Clock) -> Batch:
        return self._of(self._permuted.whole.train(clock))

    def probe(self, step: int) -> Batch:
        return self._of(self._permuted.whole.probe(step))

    def held_out(self, at_once: int = 2048) -> Iterator[Batch]:
        return map(self._of, self._permuted.whole.held_out(at_once))

    def _of(self, batch: Batch) -> Batch:
        return self._permuted.of(batch, torch.full_like(batch.groups, self._domain))


def names_of(many: int) -> tuple[str, ...]:
    """What K domains are called."""
    return tuple(f"order_{i + 1}" for i in range(many))
