"""Floating-point operations of a forward pass, by formula: products of matrices, part by part.

As is usual, a product and a sum count two, and what is done entry by entry (norms, activations,
softmax, positions) is left out. torch's own counter misses fused attention on a CPU.
"""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from torch import nn

from audition.errors import AuditionError


@runtime_checkable
class HasProducts(Protocol):
    """A module that multiplies more than its linear maps do."""

    def products(self, places: int) -> int:
        """Operations of those products on one window of `places` tokens."""
        ...


def forward_flops(model: nn.Module, places: int) -> int:
    """Operations of a forward pass of a language model over one window of `places` tokens.

    A decoder of L layers, C channels, V answers with T places and a ratio of 4 has
    T (2 (12 L C² + V C) + 4 L T C). A backward pass takes twice as many. Raises AuditionError for a
    module whose products no formula here knows.
    """
    return sum(_own(module, places) for module in _used(model))


def _used(module: nn.Module) -> Iterator[nn.Module]:
    """Every module within, as often as it stands there: a shared block is passed several times."""
    yield module
    for inner in module._modules.values():
        if inner is not None:
            yield from _used(inner)


def _own(module: nn.Module, places: int) -> int:
    if isinstance(module, nn.Linear):
        return 2 * module.weight.numel() * places
    if isinstance(module, HasProducts):
        return module.products(places)
    if isinstance(module, nn.Embedding):
        return 0
    if hasattr(module, "reached_by") or _matrices(module):  # an attention of another kind
        raise AuditionError(f"there is no formula for the operations of {type(module).__name__}")
    return 0


def _matrices(module: nn.Module) -> bool:
    return any(parameter.ndim > 1 for parameter in module.parameters(recurse=False))
