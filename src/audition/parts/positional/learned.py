"""A learned vector for each place, added to the embedded tokens, as in GPT-2."""

from dataclasses import dataclass

from torch import Tensor

from audition.parts.dims import Dims
from audition.parts.linear import Embedding
from audition.parts.positional.places import Places


@dataclass(frozen=True, kw_only=True)
class Learned:
    """One vector a place, as long as the context."""

    def __call__(self, dims: Dims) -> Places:
        return LearnedPlaces(dims)


class LearnedPlaces(Places):
    """Adds row t of a learned [context, C] table to the token at place t."""

    def __init__(self, dims: Dims) -> None:
        super().__init__()
        self.embedding = Embedding(dims.context, dims.width)

    def embed(self, x: Tensor) -> Tensor:
        return x + self.embedding.weight[: x.shape[1]]  # [B, T, C]
