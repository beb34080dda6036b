"""Cross-entropy of a linear map, some rows at a time: no tensor has all rows and all answers.

Shape suffixes: N predictions, C channels, V answers, R rows of a chunk.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

LARGE = 2**27
"""Logits from which on `auto` takes chunks: 512 MB in float32. Below, one pass is faster."""
AT_ONCE = 2**26
"""Logits of a chunk that `auto` chooses."""


def rows_of(predictions: int, answers: int) -> int | None:
    """Rows of a chunk that `auto` takes for so many logits; None where they are computed at once."""
    if predictions * answers < LARGE:
        return None
    return max(1, AT_ONCE // answers)


def chunked_cross_entropy(
    x: Tensor, head: nn.Linear, targets: Tensor, *, rows: int, smoothing: float = 0.0
) -> Tensor:
    """The mean cross-entropy of `head(x)`, for x [N, C] and targets [N], by chunks of `rows`.

    The gradient is computed along with the value, so that no logits are kept or computed twice. It
    cannot be differentiated again. Products are in autocast's precision, where that is on.

    Example:
        >>> head = nn.Linear(4, 10)
        >>> x, targets = torch.randn(6, 4), torch.arange(6)
        >>> plain = F.cross_entropy(head(x), targets)
        >>> bool(torch.isclose(chunked_cross_entropy(x, head, targets, rows=4), plain))
        True
    """
    found: Tensor = _Chunked.apply(  # type: ignore[no-untyped-call]
        x, head.weight, head.bias, targets, rows, smoothing
    )
    return found


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        rows: int,
        smoothing: float,
    ) -> Tensor:
        device = x.device.type
        autocast = torch.is_autocast_enabled(device)
        dtype = torch.get_autocast_dtype(device) if autocast else x.dtype
        narrow, offset = weight.to(dtype), None if bias is None else bias.to(dtype)
        wanted = any(ctx.needs_input_grad)
        share = 1.0 / len(x)
        total = torch.zeros((), device=x.device)
        of_x = torch.empty_like(x)
        # Sums over chunks are in float32, whatever the products are in.
        of_weight = torch.zeros_like(weight, dtype=torch.float32)
        of_bias = None if bias is None else torch.zeros_like(bias, dtype=torch.float32)
        for start in range(0, len(x), rows):
            piece, right = x[start : start + rows].to(dtype), targets[start : start + rows]
            logits = F.linear(piece, narrow, offset).float()  # [R, V]
            norm = logits.logsumexp(-1, keepdim=True)
            loss = norm - logits.gather(-1, right[:, None])
            if smoothing:
                loss = torch.lerp(loss, norm - logits.mean(-1, keepdim=True), smoothing)
            total += loss.sum()
            if not wanted:
                continue
            p = logits.sub_(norm).exp_()
            p[torch.arange(len(right), device=x.device), right] -= 1.0 - smoothing
            if smoothing:
                p -= smoothing / p.shape[-1]
            p = p.mul_(share).to(dtype)
            of_x[start : start + rows] = p @ narrow
            of_weight += p.mT @ piece
            if of_bias is not None:
                of_bias += p.sum(0, dtype=torch.float32)
        if wanted:
            ctx.save_for_backward(
                of_x,
                of_weight.to(weight.dtype),
                None if of_bias is None or bias is None else of_bias.to(bias.dtype),
            )
        return total * share

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        found = (None if g is None else g * grad for g in ctx.saved_tensors)
        return (*found, None, None, None)
