"""Linear attention (Katharopoulos et al. 2020): a positive kernel takes the place of exp(q · k)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor
from torch.nn import functional as F

from audition.parts.attention.chunks import computed, linear_attention
from audition.parts.attention.heads import Heads
from audition.parts.attention.pairs import Pairs, past
from audition.parts.dims import Dims, Norm
from audition.parts.positional.places import Places, Reach


@dataclass(frozen=True, kw_only=True)
class LinearKernel:
    """y_i = Σ_{j ≤ i} φ(q_i) · φ(k_j) v_j / Σ_{j ≤ i} φ(q_i) · φ(k_j), with φ(x) = elu(x) + 1.

    The sums over the past are a state of D × D numbers a head, so the cost grows with the length of
    a window and not with its square. There are no scores to add a bias to. Positions that rotate
    turn φ(q) and φ(k) in the numerator alone, as in RoFormer (Su et al. 2021), where the
    denominator stays positive.
    """

    chunk: Annotated[int, Ge(1)] = 64
    """Tokens whose pairs are computed as one product: decides the speed, and how sums are rounded."""

    def __call__(self, dims: Dims, norm: Norm) -> "LinearAttention":
        return LinearAttention(dims, norm, self)

    def pairs(self, places: int) -> Pairs:
        """What is read from the state is not among those executed."""
        return Pairs(past(places), computed(places, self.chunk))


class LinearAttention(Heads):
    """Project, norm queries and keys, map them to positive features, place, sum."""

    reached_by: ClassVar[frozenset[Reach]] = frozenset({"queries and keys"})

    def __init__(self, dims: Dims, norm: Norm, policy: LinearKernel) -> None:
        super().__init__(dims, norm)
        self.chunk, self.policy = policy.chunk, policy

    def products(self, places: int) -> int:
        """Operations of pairs within chunks, and of a state that each token writes and reads."""
        pairs, width, channels = self.policy.pairs(places).executed, self.sizes[0], self.channels
        return 2 * pairs * (2 * width + width // channels) + 4 * places * width * (channels + 1)

    def forward(self, x: Tensor, positional: Places) -> Tensor:
        """[B, T, C] to [B, T, C]."""
        q, k, v = self.heads(x)
        q, k = features(q), features(k)
        ones = torch.ones_like(v[..., :1])
        turned = positional.rotate(q, k)
        if turned[0] is q:  # both sums in one pass
            sums = linear_attention(q, k, torch.cat((v, ones), dim=-1), self.chunk)
            y, total = sums[..., :-1], sums[..., -1:]
        else:
            y = linear_attention(*turned, v, self.chunk)
            total = linear_attention(q, k, ones, self.chunk)
        return self.joined(y / total)


def features(x: Tensor) -> Tensor:
    """elu(x) + 1, entry by entry: in float32, since elu's gradient is slow in bfloat16 on a CPU."""
    wide = x.float() if x.dtype == torch.bfloat16 else x
    return (F.elu(wide) + 1).to(x.dtype)
