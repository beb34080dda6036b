"""What a record says of a run that ended, weights included: to the bit, by their digest."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import torch

from audition.trainer import Outcome


def facts(outcome: Outcome) -> dict[str, Any]:
    """What a record says of a run that ended."""
    session = outcome.session
    losses = [e.metrics["val/loss"] for e in session.evaluations]
    metrics = {}
    if losses:
        metrics = {
            "val_loss": outcome.final["val/loss"],
            "val_loss_best": min(losses),
            "val_bpb": outcome.final["val/bpb"],
        }
    return {
        "metrics": metrics,
        "units": session.units,
        "steps": session.step,
        "train_seconds": session.seconds,
        "forward_passes": session.cost.forward,
        "backward_passes": session.cost.backward,
        "parameters": sum(p.numel() for p in session.params.values()),
        "weights": digest(session.params),
    }


def digest(params: Mapping[str, torch.Tensor]) -> str:
    """Thirty-two hex digits for the names and the bits of `params`, whatever order they are in."""
    total = sha256()
    for name in sorted(params):
        flat = params[name].detach().cpu().contiguous().reshape(-1)
        total.update(f"{name} {flat.dtype} {tuple(params[name].shape)}".encode())
        total.update(flat.view(torch.uint8).numpy().data)
    return total.hexdigest()[:32]
