"""A learned vector for each place, added to the embedded tokens, as in GPT-2."""

from torch import Tensor

from audition.parts.linear import Embedding
from audition.parts.positional.none import NoPosition


class Learned(NoPosition):
    """Adds row t of a learned [context, C] table to the token at place t."""

    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__(width, heads, context)
        self.embedding = Embedding(context, width)

    def embed(self, x: Tensor) -> Tensor:
        return x + self.embedding.weight[: x.shape[1]]  # [B, T, C]
