"""Weights of few bits: rounded to a grid, after training, and written side by side."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Interval
from torch import Tensor
from torch.nn.functional import pad

from audition.deploy.model import Deployed
from audition.deploy.stored import Grid, Plain


@dataclass(frozen=True, kw_only=True)
class Quantize:
    """Every matrix on a symmetric grid: w becomes D round(w / D), D = max|w| / (2^(bits-1) - 1).

    A step D for each row, in float32, or for each group of a row, in float16 and rounded up, so that
    no entry lies beyond the outer levels: none moves by more than D / 2. Embeddings, norms and
    positions stay as they are. Computed with in float32: the file is smaller, and not the time.
    """

    bits: Annotated[int, Interval(ge=2, le=8)] = 8
    """Bits of a weight."""
    group: Annotated[int, Ge(1)] | None = None
    """Entries of a row that share a step; null is all of them."""

    def __call__(self, deployed: Deployed) -> Deployed:
        return deployed.with_stored(lambda name, weight: on_grid(weight, self.bits, self.group))


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Uniform noise of the size of a grid's step on every matrix, stored in float32: a control.

    If a grid costs more than noise of its step, that the numbers are on a grid matters.
    """

    bits: Annotated[int, Interval(ge=2, le=8)] = 4
    """Of the grid whose step is taken."""
    group: Annotated[int, Ge(1)] | None = None
    """Entries of a row that share a step; null is all of them."""

    def __call__(self, deployed: Deployed) -> Deployed:
        generator = torch.Generator().manual_seed(0)

        def noisy(name: str, weight: Tensor) -> Plain:
            grid = on_grid(weight, self.bits, self.group)
            drawn = torch.rand(grid.codes.shape, generator=generator) - 0.5
            return Plain(weight + (grid.spread() * drawn).view(weight.shape))

        return deployed.with_stored(noisy)


def on_grid(weight: Tensor, bits: int, group: int | None = None) -> Grid:
    """`weight` [R, ...] on a grid of 2^bits - 1 levels a row, or a group of it.

    Examples:
        >>> on_grid(torch.tensor([[0.2, -3.0, 1.4], [0.0, 0.0, 0.0]]), 3).dense()
        tensor([[ 0., -3.,  1.],
                [ 0.,  0.,  0.]])
    """
    outer = 2 ** (bits - 1) - 1
    rows = weight.detach().float().flatten(1)  # [R, N]
    columns = rows.shape[1]
    size = min(group or columns, columns)
    padded = pad(rows, (0, -columns % size)).view(len(rows), -1, size)
    steps = padded.abs().amax(dim=2) / outer  # [R, G]
    least = torch.finfo(torch.float32).tiny
    steps = steps.clamp(min=least) if group is None else rounded_up(steps)
    codes = (padded / steps.float()[..., None]).round().clamp(-outer, outer)
    return Grid(
        codes.flatten(1)[:, :columns].to(torch.int8), steps, bits, size, tuple(weight.shape)
    )


def rounded_up(steps: Tensor) -> Tensor:
    """The smallest float16 that is no smaller, and not zero."""
    narrow = steps.half().clamp(min=torch.finfo(torch.float16).smallest_normal)
    # Numbers above zero are in the order of their bits.
    next_up = (narrow.view(torch.int16) + 1).view(torch.float16)
    return torch.where(narrow.float() < steps, next_up, narrow)
