"""Queries, keys and values of each head, and the way back into the residual stream.

Shape suffixes: B batch, T places, C channels, H query heads, K key/value heads, D channels a head.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.parts.dims import Dims, Norm
from audition.parts.linear import Linear


class Heads(nn.Module):
    """What an attention projects to and from; a variant is a `forward` in between.

    Queries, keys and values are separate parameters, because an optimizer such as Muon
    orthogonalises each matrix as a whole. Raises AuditionError where the heads do not divide the
    width, or share unevenly.
    """

    def __init__(
        self, dims: Dims, norm: Norm, kv_heads: int | None = None, fused: bool = False
    ) -> None:
        super().__init__()
        width, heads = dims.width, dims.heads
        shared = heads if kv_heads is None else kv_heads
        if width % heads:
            raise AuditionError(f"width={width} cannot be split over heads={heads}: it must divide")
        if heads % shared:
            raise AuditionError(f"heads={heads} cannot share kv_heads={kv_heads}: it must divide")
        self.channels = dims.channels
        self.fused = fused
        self.sizes = [width, shared * self.channels, shared * self.channels]
        if fused:
            self.qkv = Linear(width, sum(self.sizes), dims.bias)
        else:
            self.q, self.k, self.v = (Linear(width, size, dims.bias) for size in self.sizes)
        self.out = Linear(width, width, dims.bias, residual=True)
        self.q_norm = norm.query_key_norm(self.channels)
        self.k_norm = norm.query_key_norm(self.channels)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, T, C] to queries [B, T, H, D] and keys and values [B, T, K, D]."""
        # Three matrices as one product: hooks on q, k or v do not fire, parametrizations do.
        joint = self.qkv(x) if self.fused else side_by_side(x, self.q, self.k, self.v)
        q, k, v = joint.split(self.sizes, dim=-1)
        heads = (-1, self.channels)
        return q.unflatten(-1, heads), k.unflatten(-1, heads), v.unflatten(-1, heads)

    def heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, T, C] to queries [B, H, T, D] and keys, both normed, and values [B, K, T, D]."""
        q, k, v = self.project(x)
        return self.q_norm(q).transpose(1, 2), self.k_norm(k).transpose(1, 2), v.transpose(1, 2)

    def joined(self, y: Tensor) -> Tensor:
        """What the heads found, [B, H, T, D], to [B, T, C]."""
        return self.out(y.transpose(1, 2).flatten(-2))  # type: ignore[no-any-return]


def side_by_side(x: Tensor, *maps: nn.Linear) -> Tensor:
    """The outputs of `maps` on x [..., C], concatenated; a matrix product of one larger matrix."""
    weight = torch.cat(tuple(each.weight for each in maps))
    biases = tuple(each.bias for each in maps if each.bias is not None)
    return F.linear(x, weight, torch.cat(biases) if biases else None)
