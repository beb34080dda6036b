"""Cross-entropy of a linear map, some rows at a time: no tensor has all rows and all answers.

Shape suffixes: N predictions, C channels, V answers, R rows of a chunk.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from audition.recipe.batches import Batch
from audition.recipe.problem import Predict

LARGE = 2**27
"""Logits from which on `auto` takes chunks: 512 MB in float32. Below, one pass is faster."""
AT_ONCE = 2**26
"""Logits of a chunk that `auto` chooses."""


def rows_of(predictions: int, answers: int) -> int | None:
    """Rows of a chunk that `auto` takes for so many logits; None where they are computed at once."""
    if predictions * answers < LARGE:
        return None
    return max(1, AT_ONCE // answers)


def in_chunks(
    chunk: int | Literal["auto", "off"], predict: Predict, batch: Batch
) -> tuple[Tensor, nn.Linear, int] | None:
    """What the head reads of a batch [N, C], the head, and the rows of a chunk.

    None where all logits are computed at once: as the setting `chunk` says, for a batch that allows
    some answers alone, and for a model that does not end in a linear map.
    """
    # What torch compiles keeps no logits anyway; a mask needs them as they are.
    if chunk == "off" or batch.allowed is not None or torch.compiler.is_compiling():
        return None
    if chunk == "auto":
        head = getattr(predict.model, "head", None)
        rows = rows_of(batch.units, getattr(head, "out_features", 0))
    else:
        rows = chunk
    if rows is None or (halves := predict.halves(batch)) is None:
        return None
    features, head = halves
    return features.flatten(0, -2), head, rows


def chunked_cross_entropy(
    x: Tensor,
    head: nn.Linear,
    targets: Tensor,
    *,
    rows: int,
    smoothing: float = 0.0,
    z_loss: float = 0.0,
    gamma: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """The mean cross-entropy of `head(x)`, for x [N, C] and targets [N], and its z-loss.

    With l = -log p of the right answer, it is (1 - e^-l)^gamma · l for a row; the z-loss is `z_loss`
    times the mean of log² Z. Both are computed by chunks of `rows`, and the gradient along with the
    value, so that no logits are kept or computed twice: what flows back from the first is the
    gradient of their sum, and nothing flows back from the second. It cannot be differentiated
    again. Products are in autocast's precision, where that is on.

    Example:
        >>> head = nn.Linear(4, 10)
        >>> x, targets = torch.randn(6, 4), torch.arange(6)
        >>> plain = F.cross_entropy(head(x), targets)
        >>> found, z = chunked_cross_entropy(x, head, targets, rows=4)
        >>> bool(torch.isclose(found, plain)), z.item()
        (True, 0.0)
    """
    found: tuple[Tensor, Tensor] = _Chunked.apply(  # type: ignore[no-untyped-call]
        x, head.weight, head.bias, targets, rows, smoothing, z_loss, gamma
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
        z_loss: float,
        gamma: float,
    ) -> tuple[Tensor, Tensor]:
        device = x.device.type
        autocast = torch.is_autocast_enabled(device)
        dtype = torch.get_autocast_dtype(device) if autocast else x.dtype
        narrow, offset = weight.to(dtype), None if bias is None else bias.to(dtype)
        wanted = any(ctx.needs_input_grad)
        share = 1.0 / len(x)
        total, total_z = torch.zeros(2, device=x.device).unbind()
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
            slope = torch.ones_like(loss)  # of what is trained on, by the cross-entropy
            if gamma:
                loss, slope = focused(loss, gamma)
            total += loss.sum()
            if z_loss:
                total_z += z_loss * norm.square().sum()
            if not wanted:
                continue
            p = logits.sub_(norm).exp_()
            if gamma or z_loss:
                p *= slope + 2.0 * z_loss * norm
            p[torch.arange(len(right), device=x.device), right] -= (1.0 - smoothing) * slope[:, 0]
            if smoothing:
                p -= smoothing / p.shape[-1] * slope
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
        found = total * share, total_z * share
        ctx.mark_non_differentiable(found[1])
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        found = (None if g is None else g * grad for g in ctx.saved_tensors)
        return (*found, *[None] * 5)


def focused(loss: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
    """(1 - e^-l)^gamma · l of losses l, and its derivative by l (Lin et al. 2017)."""
    p = torch.exp(-loss)
    wrong = (-torch.expm1(-loss)).clamp(min=torch.finfo(loss.dtype).tiny)  # 0^(gamma - 1) is ∞
    weight = wrong.pow(gamma)
    return weight * loss, weight + gamma * wrong.pow(gamma - 1.0) * p * loss
