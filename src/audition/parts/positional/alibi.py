"""ALiBi (Press et al. 2022): a score falls with the distance, at a rate of its head's own."""

from dataclasses import dataclass
from math import floor, log2
from typing import ClassVar

import torch
from torch import Tensor

from audition.parts.dims import Dims
from audition.parts.positional.distance import back
from audition.parts.positional.places import Places, Reach


@dataclass(frozen=True, kw_only=True)
class Alibi:
    """Adds -slope · (i - j) to the score of query i and key j; nothing is learned.

    The slopes of H heads are the powers 1 … H of 2^(-8/H), where H is a power of two. Other counts
    have those of the next smaller power of two, then every second one of the next larger.
    """

    def __call__(self, dims: Dims) -> Places:
        return AlibiPlaces(dims)


class AlibiPlaces(Places):
    """Scores fall with the distance, steepest in the first head."""

    acts_on: ClassVar[frozenset[Reach]] = frozenset({"scores"})
    slopes: Tensor  # [H] float32

    def __init__(self, dims: Dims) -> None:
        super().__init__()
        self.register_buffer("slopes", torch.tensor(slopes(dims.heads)), persistent=False)

    def bias(self, places: int) -> Tensor:
        return -self.slopes[:, None, None] * back(places, self.slopes.device)  # [H, T, T]


def slopes(heads: int) -> list[float]:
    """The slope of each head, as in the paper's own code.

    Examples:
        >>> slopes(4)
        [0.25, 0.0625, 0.015625, 0.00390625]
        >>> slopes(3)
        [0.0625, 0.00390625, 0.25]
    """
    power: int = 2 ** floor(log2(heads))
    found = [2.0 ** (-8 * (n + 1) / power) for n in range(power)]
    return found if power == heads else found + slopes(2 * power)[::2][: heads - power]
