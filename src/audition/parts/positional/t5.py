"""T5's relative bias (Raffel et al. 2020): each head learns what a distance is worth."""

from dataclasses import dataclass
from math import log
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.parts.dims import Dims
from audition.parts.linear import Embedding
from audition.parts.positional.distance import by_distance
from audition.parts.positional.places import Places, Reach


@dataclass(frozen=True, kw_only=True)
class T5:
    """Adds a learned number to each score, by its head and by the bucket of its distance.

    One direction only, for a causal model. The first half of the buckets are the distances 0, 1,
    2 … themselves; the others grow geometrically up to `longest`, and the last has all beyond. All
    layers share the table, as in the paper. A learned bias has a gradient for every score, which no
    fused kernel gives: on a CPU in float32 long windows take about twice the time.
    """

    buckets: Annotated[int, Ge(2)] = 32
    """Distances that are told apart."""
    longest: Annotated[int, Ge(2)] = 128
    """The distance, in tokens, from which on all are one; more than half of `buckets`."""

    def __call__(self, dims: Dims) -> Places:
        """Raises AuditionError for a longest distance that leaves no room for the larger buckets."""
        if self.longest <= self.buckets // 2:
            raise AuditionError(
                f"positional.longest={self.longest} must be more than half of "
                f"positional.buckets={self.buckets}, which are the distances themselves"
            )
        return T5Places(dims, self)


class T5Places(Places):
    """One row a bucket and one column a head."""

    acts_on: ClassVar[frozenset[Reach]] = frozenset({"scores"})
    buckets: Tensor  # [context] int64, the bucket of each distance

    def __init__(self, dims: Dims, policy: T5) -> None:
        super().__init__()
        self.embedding = Embedding(policy.buckets, dims.heads)
        found = bucket(torch.arange(dims.context), policy.buckets, policy.longest)
        self.register_buffer("buckets", found, persistent=False)

    def bias(self, places: int) -> Tensor:
        worth = F.embedding(self.buckets[:places], self.embedding.weight).T  # [H, T], by distance
        return by_distance(worth)


def bucket(distance: Tensor, buckets: int, longest: int) -> Tensor:
    """The bucket of each distance, 0 or more (int64, any shape)."""
    exact = buckets // 2
    far = (distance.clamp(min=exact).double() / exact).log() / log(longest / exact)
    # A distance at the edge of a bucket belongs to the higher one, whatever the logarithm rounds to.
    higher = exact + (far * (buckets - exact) + 1e-9).long()
    return torch.where(distance < exact, distance, higher.clamp(max=buckets - 1))
