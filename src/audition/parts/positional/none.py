"""No notion of position: the base of the others, with both moments the identity."""

from torch import Tensor, nn


class NoPosition(nn.Module):
    """One module a model; it may act on the embedded tokens, or on queries and keys, or both.

    Without it a causal model still knows order, if weakly: how much a token can look back on.
    """

    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__()

    def embed(self, x: Tensor) -> Tensor:
        """[B, T, C] embedded tokens, before the first block."""
        return x

    def rotate(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Queries [B, H, T, D] and keys [B, K, T, D] of any layer, after their norm."""
        return q, k
