"""Block top-k attention: a query sees its own block of keys, and the past blocks that fit it best."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor
from torch.nn import functional as F

from audition.parts.attention.causal import Causal
from audition.parts.attention.pairs import Pairs, past


@dataclass(frozen=True, kw_only=True)
class TopkBlocks(Causal):
    """Mixture of block attention (MoBA, Lu et al. 2025), one choice a query and head.

    A past block scores q · mean(k) of its keys; the `top` best are seen whole, and of the query's
    own block all up to itself. The choice has no gradient: the keys of a chosen block learn as in
    any attention, the others do not. With as many blocks as there are it is causal attention, to
    the bit. On a CPU hidden pairs are computed too: it saves nothing there, and a mask a head costs
    more than none, most in long windows.
    """

    neutral: ClassVar[Mapping[str, object]] = {"top": 1_000_000}
    active: ClassVar[Mapping[str, object]] = {"block": 4, "top": 1}

    block: Annotated[int, Ge(1)] = 8
    """Tokens of a block."""
    top: Annotated[int, Ge(0)] = 2
    """Past blocks that a query sees beside its own."""

    def seen(self, q: Tensor, k: Tensor) -> Tensor | None:
        places = q.shape[2]
        last = (places - 1) // self.block  # number of the last block; those before it are full
        if self.top >= last:
            return None
        t = torch.arange(places, device=q.device)
        block = t // self.block
        own = (block[:, None] == block) & (t[:, None] >= t)  # [T, T]
        if not self.top:
            return own
        blocks = k.detach()[:, :, : last * self.block].reshape(*k.shape[:2], last, self.block, -1)
        means = blocks.mean(3).repeat_interleave(q.shape[1] // k.shape[1], dim=1)  # [B, H, N, D]
        before = torch.arange(last, device=q.device) < block[:, None]  # [T, N]
        fit = (q.detach() @ means.mT).masked_fill(~before, float("-inf"))  # [B, H, T, N]
        best = torch.zeros_like(fit, dtype=torch.bool).scatter(-1, fit.topk(self.top).indices, True)
        chosen = F.pad(best & before, (0, 1))[..., None]  # the last block is only its own
        return own | chosen.expand(*chosen.shape[:-1], self.block).flatten(-2)[..., :places]

    def pairs(self, places: int) -> Pairs:
        """The products of queries with the means of blocks are not among those executed."""
        block = self.block
        blocks = [min(block, places - start) for start in range(0, places, block)]
        own = sum(map(past, blocks))
        chosen = sum(n * block * min(self.top, i) for i, n in enumerate(blocks))
        return Pairs(own + chosen, places * places)
