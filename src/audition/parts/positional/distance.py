"""How far a key lies behind its query: what biases and windows are functions of."""

import torch
from torch import Tensor
from torch.nn import functional as F


def back(places: int, device: torch.device | None = None) -> Tensor:
    """[T, T] int64, row less column: 0 on the diagonal, negative in the future."""
    t = torch.arange(places, device=device)
    return t[:, None] - t[None, :]


def by_distance(worth: Tensor) -> Tensor:
    """The [..., T, T] matrices whose entry (i, j) is worth[..., i - j] of [..., T]; 0 for the future.

    Windows over one padded row, so that its gradient is T numbers a head and not T².
    """
    places = worth.shape[-1]
    return F.pad(worth, (places - 1, 0)).unfold(-1, places, 1).flip(-1)
