"""Optimizers that keep other weights for evaluation than those they train, such as Schedule-Free."""

from typing import Any

from torch.optim import Optimizer

from audition.parts.optim.together import Together


def averaging_of(optimizer: Optimizer) -> list[Any]:
    """Those of `optimizer` and its members that have `eval()` and `train()` of their own.

    `eval()` writes the weights of evaluation into the parameters, `train()` the trained ones back
    (Defazio et al. 2024, "The Road Less Scheduled").
    """
    members = optimizer.members if isinstance(optimizer, Together) else (optimizer,)
    return [
        member
        for member in members
        if callable(getattr(member, "eval", None)) and callable(getattr(member, "train", None))
    ]
