"""How unexpected each token of a text is after the one before it, by counts of pairs.

Shape suffixes: B rows, T tokens, V vocabulary.
"""

from typing import Literal

import torch
from torch import Tensor, nn

Kind = Literal["pair", "unigram", "permuted"]
"""After the token before; without it; or that of another pair, drawn from the same distribution."""
LEVELS = 256
"""How many quantiles of the surprisal are kept."""


class Surprisal(nn.Module):
    """Counts of a text's pairs, as state of a model: counted where it says, and kept by checkpoints.

    Args:
        vocabulary: V.
        buckets: counters, which pairs share where there are more of them: the pair (a, b) has the
            bucket a · V + b modulo this, so that a prime mixes them well.
        kind: what `standardised` gives.

    Examples:
        >>> table = Surprisal(vocabulary=3, buckets=11)
        >>> _ = table.learn(torch.tensor([[0, 1, 0, 1, 2]]))
        >>> table.of(torch.tensor([[0, 1]]), "pair")[0, 1].exp()  # 1 / p̂, p̂ = (2 + .5) / (2 + 1.5)
        tensor(1.4000)
    """

    pairs: Tensor  # [buckets] int64
    earlier: Tensor  # [V] int64, how often a token was the first of a pair
    levels: Tensor  # [LEVELS] float32, quantiles of the surprisal over tokens
    dealt: Tensor  # [buckets] int64, the level that a pair has when permuted

    def __init__(self, vocabulary: int, buckets: int, kind: Kind = "pair") -> None:
        super().__init__()
        self.vocabulary, self.kind = vocabulary, kind
        self.register_buffer("pairs", torch.zeros(buckets, dtype=torch.int64))
        self.register_buffer("earlier", torch.zeros(vocabulary, dtype=torch.int64))
        self.register_buffer("levels", torch.zeros(LEVELS))
        dealer = torch.Generator().manual_seed(0)
        dealt = torch.randint(LEVELS, (buckets,), generator=dealer, device="cpu")
        self.register_buffer("dealt", dealt, persistent=False)

    def of(self, ids: Tensor, kind: Kind) -> Tensor:
        """-log p̂ of each token [B, T], in nats; every count is half more than it is.

        The first of a row, which has none before it, counts as a repetition of itself.
        """
        half = 0.5 * self.vocabulary
        if kind == "unigram":
            return -((self.earlier[ids] + 0.5) / (self.earlier.sum() + half)).log()
        before = torch.cat((ids[:, :1], ids[:, :-1]), dim=1)
        bucket = (before * self.vocabulary + ids) % len(self.pairs)
        if kind == "permuted":
            return self.levels[self.dealt[bucket]]
        return -((self.pairs[bucket] + 0.5) / (self.earlier[before] + half)).log()

    def standardised(self, ids: Tensor) -> Tensor:
        """[B, T]: of mean 0 and deviation 1 over the text; 0 for a row's first, and before counting."""
        spread = self.levels.std(correction=0).clamp(min=1e-3)
        found = (self.of(ids, self.kind) - self.levels.mean()) / spread
        known = (torch.arange(ids.shape[1], device=ids.device) > 0) & (self.earlier.sum() > 0)
        return found * known

    @torch.no_grad()
    def learn(self, ids: Tensor) -> Tensor:
        """Count the pairs of [B, T], and let the levels follow their surprisal, [B, T - 1]."""
        first, second = ids[:, :-1].flatten(), ids[:, 1:].flatten()
        follow = torch.where(self.earlier.sum() == 0, 1.0, 0.1)
        bucket = (first * self.vocabulary + second) % len(self.pairs)
        self.pairs.index_add_(0, bucket, torch.ones_like(bucket))
        self.earlier.index_add_(0, first, torch.ones_like(first))
        found = self.of(ids, "unigram" if self.kind == "unigram" else "pair")[:, 1:]
        middles = (torch.arange(LEVELS, device=ids.device) + 0.5) * found.numel() / LEVELS
        self.levels.lerp_(found.flatten().sort().values[middles.long()], follow)
        return found
