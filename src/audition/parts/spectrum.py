"""Bands of directions by their power: eigenvectors in order, bands of their ranks, weighted medians.

Shape suffixes: K matrices, M directions, N the other side; of vectors, B rows, T tokens, C channels,
R directions, N bands.
"""

from functools import cache

import torch
from torch import Tensor

TINY = 1e-12
"""Added to energies, whose logarithm is taken."""


@cache
def bands(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """[size] int64: the band of each direction by its rank: 1, 2, 3-4, 5-8, ..., at most twelve; and
    how many directions each band has, [N].

    Made once for all steps: a copy to a card waits for the card.
    """
    band = torch.tensor([min(11, (rank - 1).bit_length()) for rank in range(1, size + 1)])
    return band.to(device), band.bincount().to(device)


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


def covariance(x: Tensor) -> Tensor:
    """Of vectors [T, C], [C, C]; in float32, also under autocast."""
    with torch.autocast(x.device.type, enabled=False):
        centred = x.float() - x.float().mean(0)
        return centred.mT @ centred / len(x)


def principal(covariance: Tensor, rank: int) -> Tensor:
    """The `rank` eigenvectors of [C, C] with the largest eigenvalues, falling, as columns [C, R]."""
    return torch.linalg.eigh(covariance).eigenvectors.flip(-1)[..., :rank]  # type: ignore[no-any-return]


def band_members(rank: int) -> Tensor:
    """[N, R]: 1 where a direction is in a band, and else 0; by rank 1, 2, 3-4, 5-8, ..., the rest."""
    ends = [min(rank, 1 << i) for i in range(rank.bit_length() + 1)]
    sizes = (b - a for a, b in zip([0, *ends], ends, strict=False) if b > a)
    found: Tensor = torch.block_diag(*(torch.ones(1, n) for n in sizes))  # type: ignore[no-untyped-call]
    return found


def energies(h: Tensor, members: Tensor) -> Tensor:
    """Coordinates [B, T, R] to what each band of [N, R] has of their sum of squares, [B, T, N]."""
    with torch.autocast(h.device.type, enabled=False):
        return h.float().square() @ members.mT + TINY
