"""Sinusoidal positions (Vaswani et al. 2017): waves of geometric lengths added to the tokens."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from audition.parts.dims import Dims
from audition.parts.positional.places import Places


@dataclass(frozen=True, kw_only=True)
class Sinusoidal:
    """Channels 2i and 2i + 1 get gain · sin and gain · cos of t / base^(2i/C) at place t.

    The paper multiplies tokens of standard deviation C^(-1/2) by √C and adds waves of height 1.
    Tokens start at 0.02 here, so waves of 0.02 keep its proportion; with
    `model.embedding_gain=sqrt_width` that is 0.02 · √C.
    """

    base: Annotated[float, Gt(0)] = 10000.0
    """The longest wave is about 2π · base places long."""
    gain: Annotated[float, Ge(0)] = 0.02
    """The height of the waves."""

    def __call__(self, dims: Dims) -> Places:
        return SinusoidalPlaces(dims, self)


class SinusoidalPlaces(Places):
    """Adds row t of a fixed [context, C] table to the token at place t."""

    waves: Tensor  # [context, C] float32

    def __init__(self, dims: Dims, policy: Sinusoidal) -> None:
        super().__init__()
        rates = policy.base ** (-torch.arange(0, dims.width, 2, dtype=torch.float64) / dims.width)
        angles = torch.outer(torch.arange(dims.context, dtype=torch.float64), rates)
        waves = torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)[:, : dims.width]
        self.register_buffer("waves", (policy.gain * waves).float(), persistent=False)

    def embed(self, x: Tensor) -> Tensor:
        return x + self.waves[: x.shape[1]]  # [B, T, C]
