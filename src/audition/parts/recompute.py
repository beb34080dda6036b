"""Activations that are computed again in the backward pass, where that saves memory."""

from typing import Literal

from torch import nn

from audition.errors import AuditionError


def recompute(model: nn.Module, which: Literal["blocks", "every_2"]) -> None:
    """Let `which` blocks of `model`, all or every second one, be computed again backwards.

    Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost". A block that can has an
    attribute `again`. `model.recomputed` then says which share of a forward pass each backward pass
    repeats. Raises AuditionError for a model without such blocks.
    """
    blocks = list(getattr(model, "blocks", ()))
    if not blocks or not all(hasattr(block, "again") for block in blocks):
        raise AuditionError(
            f"execution.checkpoint_activations={which} computes blocks again, and "
            f"{type(model).__name__} has none that can: choose none"
        )
    for block in blocks[:: 2 if which == "every_2" else 1]:
        block.again = True
    # A block may stand in several places.
    vars(model)["recomputed"] = sum(block.again for block in blocks) / len(blocks)
