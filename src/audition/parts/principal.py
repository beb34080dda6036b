"""Principal directions of vectors, and bands of them by falling power.

Shape suffixes: B rows, T tokens, C channels, R directions, N bands.
"""

import torch
from torch import Tensor

TINY = 1e-12
"""Added to energies, whose logarithm is taken."""


def covariance(x: Tensor) -> Tensor:
    """Of vectors [T, C], [C, C]; in float32, also under autocast."""
    with torch.autocast(x.device.type, enabled=False):
        centred = x.float() - x.float().mean(0)
        return centred.mT @ centred / len(x)


def principal(covariance: Tensor, rank: int) -> Tensor:
    """The `rank` eigenvectors of [C, C] with the largest eigenvalues, falling, as columns [C, R]."""
    return torch.linalg.eigh(covariance).eigenvectors.flip(-1)[..., :rank]  # type: ignore[no-any-return]


def bands(rank: int) -> list[int]:
    """Directions in each band, by falling power: 1, 1, 2, 4, 8, ..., the rest."""
    ends = [min(rank, 1 << i) for i in range(rank.bit_length() + 1)]
    return [b - a for a, b in zip([0, *ends], ends, strict=False) if b > a]


def energies(h: Tensor, sizes: list[int]) -> Tensor:
    """Coordinates [B, T, R] to what each band has of their sum of squares, [B, T, N]."""
    parts = torch.split(h.float().square(), sizes, dim=-1)
    return torch.stack([part.sum(-1) for part in parts], dim=-1) + TINY
