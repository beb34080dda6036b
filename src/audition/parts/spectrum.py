"""Bands of directions by their power: eigenvectors in order, bands of their ranks, weighted medians.

Shape suffixes: K matrices, M directions, N the other side.
"""

import torch
from torch import Tensor


def bands(size: int) -> Tensor:
    """[size] int64: the band of each direction by its rank: 1, 2, 3-4, 5-8, ..., at most twelve."""
    return torch.tensor([min(11, (rank - 1).bit_length()) for rank in range(1, size + 1)])


def eigenbasis(mean: Tensor, previous: Tensor | None) -> Tensor:
    """Left eigenvectors of [K, M, N] by falling power; from a previous basis, one QR step.

    A full decomposition at every refresh would cost more than a gate saves; a step of orthogonal
    iteration follows a basis that moves slowly.
    """
    square = mean @ mean.mT  # [K, M, M]
    if previous is None:
        vectors: Tensor = torch.linalg.eigh(square.float()).eigenvectors
        return vectors.flip(-1)
    return torch.linalg.qr(square @ previous).Q  # type: ignore[no-any-return]


def weighted_median(values: Tensor, weights: Tensor) -> Tensor:
    """The smallest of `values` [N] that, with all below it, has at least half of `weights` [N]; []."""
    ordered, order = values.sort()
    below = weights[order].cumsum(0)
    place = (below < 0.5 * below[-1]).sum().clamp(max=len(values) - 1)
    return ordered.gather(0, place[None])[0]  # an index would be read, which no pack of runs can be
