"""Rotary positions (Su et al. 2021): queries and keys turn by an angle that grows with the place.

Shape suffixes: B batch, H heads, T places, D channels of a head.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt, Interval
from torch import Tensor

from audition.errors import AuditionError
from audition.parts.dims import Dims
from audition.parts.positional.places import Places, Reach


@dataclass(frozen=True, kw_only=True)
class Rope:
    """Channels j and j + D/2 of a head form a plane that turns by t · base^(-2j/D) at place t.

    So a score depends on how far apart a query and a key are, never on where they stand. Pairing
    halves rather than neighbours is the same map under a fixed permutation of the channels.
    With a fraction, D is the number of channels that turn, the first of each head, as in GPT-NeoX.
    """

    base: Annotated[float, Gt(0)] = 10000.0
    """The slowest plane turns about once in 2π · base places."""
    fraction: Annotated[float, Interval(ge=0, le=1)] = 1.0
    """The part of a head's channels that turns; the rest know nothing of places."""

    def __call__(self, dims: Dims) -> "RopePlaces":
        """Raises AuditionError for heads of an odd number of channels."""
        return RopePlaces(dims, self)


class RopePlaces(Places):
    """Turns queries and keys by the angles of their places."""

    acts_on: ClassVar[frozenset[Reach]] = frozenset({"queries and keys"})
    cos: Tensor  # [context, R] float32, where R channels turn
    sin: Tensor  # [context, R] float32

    def __init__(self, dims: Dims, policy: Rope) -> None:
        super().__init__()
        channels = dims.channels
        if channels % 2:
            raise AuditionError(
                f"width={dims.width} over heads={dims.heads} leaves {channels} channels a head, and "
                "rope turns them in pairs: choose a width that is an even multiple of heads"
            )
        self.channels = channels
        turning = 2 * round(policy.fraction * channels / 2)
        self.angles = turns(dims.context, turning, policy.base)  # for a variant that changes them
        cos, sin = waves(self.angles)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def tables(self, places: int) -> tuple[Tensor, Tensor]:
        """The `waves` [T, R] of the first `places`; what a variant overrides."""
        return self.cos[:places], self.sin[:places]

    def rotate(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Heads of D/n channels, which a latent attention has, turn by every n-th of the rates.

        Those are the rates of their own width. Raises AuditionError where n is no whole number.
        """
        cos, sin = self.tables(q.shape[2])
        every, rest = divmod(self.channels, q.shape[-1])
        if rest or q.shape[-1] % 2:
            raise AuditionError(
                f"rope turns {self.channels} channels a head, or 1/n of them in pairs, and not "
                f"{q.shape[-1]}: choose another number of rotary channels"
            )
        if every > 1:
            cos, sin = (x.reshape(len(x), 2, -1)[..., ::every].flatten(-2) for x in (cos, sin))
        return turn_first(q, cos, sin), turn_first(k, cos, sin)


def turns(places: int, channels: int, base: float) -> Tensor:
    """Angles in radians [T, D/2] float64 by which each plane turns at each place."""
    rates = base ** (-torch.arange(0, channels, 2, dtype=torch.float64) / channels)  # [D/2]
    return torch.outer(torch.arange(places, dtype=torch.float64), rates)


def waves(angles: Tensor) -> tuple[Tensor, Tensor]:
    """Angles [T, D/2] to what `turn` reads: cosines and signed sines, each [T, D] float32."""
    cos, sin = angles.cos().float(), angles.sin().float()
    return torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1)


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate the planes (j, j + D/2) of x [..., T, D] by the `waves` cos, sin [T, D]."""
    # Under autocast x is narrower than the tables: turn in float32, give back what came.
    # Not `roll`, which has a slow kernel of its own on a card: joining the halves gives its bits.
    first, second = x.chunk(2, dim=-1)
    return (x * cos + torch.cat((second, first), dim=-1) * sin).to(x.dtype)


def turn_first(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """`turn` the first R of the D channels of x [..., T, D] by the `waves` [T, R]."""
    turning = cos.shape[-1]
    if turning == x.shape[-1]:
        return turn(x, cos, sin)
    return torch.cat((turn(x[..., :turning], cos, sin), x[..., turning:]), dim=-1)
