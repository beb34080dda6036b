"""Multi-head latent attention (DeepSeek-V2, 2024): keys and values of all heads from one short vector.

Shape suffixes: B batch, T places, C channels, H heads, D channels a head, R rotary channels a head.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from audition.errors import AuditionError
from audition.parts.attention.kernels import attend
from audition.parts.attention.pairs import Pairs, past
from audition.parts.dims import Dims, Norm
from audition.parts.dropout import Dropout
from audition.parts.linear import Linear
from audition.parts.positional.places import Places, Reach


@dataclass(frozen=True, kw_only=True)
class Latent:
    """c = norm(W_c x) of `rank` numbers a token gives the keys W_k c and the values W_v c of all heads.

    To them comes a key of `rotary` channels that all heads share, and as many channels of each
    query, which alone are rotated: the score is (q · k + rotated q' · rotated k') / √(D + R). While
    generating, c and that key are all that is to be kept of a token: rank + R numbers instead of
    2 C. Parameters with a query rank r, and g norms of 1 number a channel:
    C r + r H (D + R) + C (rank + R) + 2 rank C + C² + g (r + rank); without, C H (D + R) for the
    first two, and no r in the last.
    """

    active: ClassVar[Mapping[str, object]] = {"rank": 8}

    rank: Annotated[int, Ge(1)] | None = None
    """Numbers that keys and values are made from; null is half the width."""
    query_rank: Annotated[int, Ge(1)] | None = None
    """Numbers that queries are made from; null is all of the width, without a map in between."""
    rotary: Annotated[int, Ge(1)] | None = None
    """Channels of a head that positions may turn; null is half of a head's."""
    soft_cap: Annotated[float, Gt(0)] | None = None
    """c of c · tanh(score / c), which keeps scores within ±c; null is none."""

    def __call__(self, dims: Dims, norm: Norm) -> "LatentAttention":
        """Raises AuditionError where the heads do not divide the width, or a rank is above it."""
        return LatentAttention(dims, norm, self)

    def pairs(self, places: int) -> Pairs:
        """As of causal attention, of D + R channels each."""
        return Pairs(past(places), places * places)


class LatentAttention(nn.Module):
    """Compress, expand, norm queries and keys, place the rotary channels, attend."""

    reached_by: ClassVar[frozenset[Reach]] = frozenset({"queries and keys", "scores"})

    def __init__(self, dims: Dims, norm: Norm, policy: Latent) -> None:
        super().__init__()
        width, heads, own = dims.width, dims.heads, dims.channels
        if width % heads:
            raise AuditionError(f"width={width} cannot be split over heads={heads}: it must divide")
        rotary = max(1, own // 2) if policy.rotary is None else policy.rotary
        rank = max(1, width // 2) if policy.rank is None else policy.rank
        for name, least in (("rank", rank), ("query_rank", policy.query_rank or 0)):
            if least > width:
                raise AuditionError(
                    f"attention.{name}={least} is more than the {width} channels that it is to "
                    f"compress: give at most {width}"
                )
        self.policy, self.heads = policy, heads
        self.channels = own
        source = policy.query_rank or width
        self.query_down = (
            nn.Identity() if policy.query_rank is None else compressed(dims, norm, source)
        )
        self.q = Linear(source, heads * (own + rotary), dims.bias)
        self.latent = compressed(dims, norm, rank)
        self.k = Linear(rank, width, dims.bias)
        self.v = Linear(rank, width, dims.bias)
        self.shared_k = Linear(width, rotary, dims.bias)
        self.out = Linear(width, width, dims.bias, residual=True)
        self.q_norm, self.k_norm = norm.query_key_norm(own), norm.query_key_norm(own)
        self.turned_q_norm = norm.query_key_norm(rotary)
        self.turned_k_norm = norm.query_key_norm(rotary)
        self.dropout = Dropout(dims.dropout)

    def forward(self, x: Tensor, positional: Places) -> Tensor:
        """[B, T, C] to [B, T, C]."""
        q = self.split(self.q(self.query_down(x)))  # [B, H, T, D + R]
        q, turned_q = q[..., : self.channels], q[..., self.channels :]
        latent = self.latent(x)
        k, v = self.split(self.k(latent)), self.split(self.v(latent))  # [B, H, T, D]
        turned_k = self.turned_k_norm(self.shared_k(x))[:, None]  # [B, 1, T, R]
        turned_q, turned_k = positional.rotate(self.turned_q_norm(turned_q), turned_k)
        y = attend(
            torch.cat((self.q_norm(q), turned_q), dim=-1),
            torch.cat((self.k_norm(k), turned_k.expand(-1, self.heads, -1, -1)), dim=-1),
            v,
            bias=positional.bias(x.shape[1]),
            cap=self.policy.soft_cap,
            dropout=self.dropout.rate,
        )
        return self.out(y.transpose(1, 2).flatten(-2))  # type: ignore[no-any-return]

    def split(self, x: Tensor) -> Tensor:
        """[B, T, H·D] to [B, H, T, D]."""
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


def compressed(dims: Dims, norm: Norm, rank: int) -> nn.Sequential:
    """A map to `rank` numbers, and their norm."""
    return nn.Sequential(Linear(dims.width, rank, dims.bias), norm.block(rank))
