"""Surprise: by how many standard deviations a loss lies above those that came before it."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from audition.recipe.gradient import sum_of
from audition.recipe.problem import Gradient


def surprise(loss: Tensor, seen: Mapping[str, Any], memory: float) -> tuple[Tensor, dict[str, Any]]:
    """The z-score of `loss` among those seen before it, and what is seen with it.

    With d = loss - mean: z = d / √variance, then mean ← mean + (1 - memory) d and variance ← memory
    variance + (1 - memory) memory d², which starts from nought and is divided by the shares it has.
    The first two losses are no surprise: z = 0. No value is read, so a card is not waited for.

    Args:
        loss: without axes.
        seen: what this returned for the loss before; `{}` for the first.
        memory: share of the moments that stays at every loss, in [0, 1).

    Examples:
        >>> import torch
        >>> seen = {}
        >>> for value in (2.0, 1.0, 2.0, 1.0, 4.0):
        ...     z, seen = surprise(torch.tensor(value), seen, memory=0.5)
        >>> round(z.item(), 2)
        5.07
    """
    if not seen:
        return torch.zeros_like(loss), {
            "mean": loss.clone(),
            "variance": torch.zeros_like(loss),
            "count": 0,
        }
    apart = loss - seen["mean"]
    known = seen["variance"] / max(1.0 - memory ** seen["count"], 1e-12)
    tiny = torch.finfo(known.dtype).tiny
    z = torch.where(known > 0, apart * known.clamp(min=tiny).rsqrt(), torch.zeros_like(apart))
    return z, {
        "mean": seen["mean"] + (1.0 - memory) * apart,
        "variance": memory * seen["variance"] + (1.0 - memory) * memory * apart.square(),
        "count": seen["count"] + 1,
    }


def loss_of(gradient: Gradient) -> Tensor:
    """The loss that was trained: the sum of the terms, without axes."""
    return sum_of(gradient.terms.values())
