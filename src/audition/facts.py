"""What a record says of a run that ended, weights included: to the bit, by their digest."""

from collections.abc import Mapping
from hashlib import sha256
from math import nan
from typing import Any

import torch

from audition.job import Job, Outcome
from audition.measure import BEST, Measure, recorded


def facts(outcome: Outcome, measures: Mapping[str, Measure]) -> dict[str, Any]:
    """What a record says of a run that ended; `measures` as `measures_of` gives them.

    Its digest of weights is that of the live ones, whatever weights evaluation saw in their place.
    """
    session = outcome.session
    evaluations = [
        {recorded(name): value for name, value in e.metrics.items()} for e in session.evaluations
    ]
    metrics = {}
    for name, value in (evaluations[-1] if evaluations else {}).items():
        how = measures.get(name, Measure(name, ""))
        seen = [how.as_loss(each[name]) for each in evaluations if name in each]
        metrics[name] = value
        metrics[name + BEST] = how.as_loss(min((v for v in seen if v == v), default=nan))
    return {
        "metrics": metrics,
        "units": session.units,
        "steps": session.step,
        "train_seconds": session.seconds,
        "forward_passes": session.cost.forward,
        "backward_passes": session.cost.backward,
        "parameters": sum(p.numel() for p in session.params.values()),
        "weights": digest({**session.params, **session.buffers}),
    }


def measures_of(job: Job) -> dict[str, Measure]:
    """Name in a record -> how it is read: the task's, and what each further evaluator declares."""
    declared = {
        f"{name}_{metric}": Measure(*how)
        for name, evaluator in job.recipe.evaluators.items()
        for metric, how in getattr(evaluator, "measures", {}).items()
    }
    return {**job.task.measures, **declared}


def digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """Thirty-two hex digits for the names and the bits of `tensors`, whatever order they are in."""
    total = sha256()
    for name in sorted(tensors):
        flat = tensors[name].detach().cpu().contiguous().reshape(-1)
        total.update(f"{name} {flat.dtype} {tuple(tensors[name].shape)}".encode())
        total.update(flat.view(torch.uint8).numpy().data)
    return total.hexdigest()[:32]
