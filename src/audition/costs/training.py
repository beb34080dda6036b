"""What a training step costs: seconds of arms that take turns, and bytes held for the backward pass."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from audition.amount import Amount
from audition.costs.blocks import BLOCKS, Timed, in_blocks
from audition.recipe.batches import Clock
from audition.recipe.problem import Problem
from audition.session import begin
from audition.training.build import build
from audition.training.job import Job
from audition.training.loop import opened
from audition.training.step import advance


def step_seconds(arms: Mapping[str, Mapping[str, Any]], blocks: int = BLOCKS) -> dict[str, Timed]:
    """Seconds of a step of each arm, by name, of checked settings: a step of each arm a block.

    They train on, each its own run; so what is timed is the first steps. One process has one number
    of threads: that of the first arm.
    """
    return in_blocks(
        {name: _stepping(build(settings)) for name, settings in arms.items()}, blocks=blocks
    )


def _stepping(job: Job) -> Callable[[], object]:
    session = opened(job)
    steps = job.budget.total_steps(session.batches.train(Clock(0)).units)

    def step() -> None:
        advance(job, session, Clock(session.step, steps, 0.0))
        if job.execution.device == "cuda":
            torch.cuda.synchronize()

    return step


def held_for_backward(settings: Mapping[str, Any]) -> Amount:
    """Bytes that the first step of a run keeps between its forward and its backward pass.

    Exact on any device: storages that autograd saves, each once, without the weights themselves. In
    pieces (`execution.accumulate`) it is those of one piece. Gradients and moments come on top.
    """
    job = build(settings)
    job.execution.enter()
    session = begin(job.recipe, job.seed, job.execution.device)
    held: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage: Any = tensor.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes()
        return tensor

    batch = session.batches.train(Clock(0)).to(job.execution.device)
    piece = next(batch.split(job.execution.accumulate))
    problem = Problem(
        session.model, session.params, job.recipe.loss, piece, clock=Clock(0), own=session.loss
    )
    own = {storage_of(p) for p in session.params.values()}
    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    with hooks, job.execution.context():
        terms = problem.terms(piece)  # kept alive, or storages would be given out again
    total = sum(size for place, size in held.items() if place not in own)
    del terms
    return Amount(total, "bytes", "exact")


def state_of_optimizer(settings: Mapping[str, Any]) -> dict[str, Amount]:
    """Bytes that the optimizer keeps after a first step, and those a parameter.

    Exact: 4 a parameter for a momentum in float32, 8 for AdamW's two moments.
    """
    job = build(settings)
    session = opened(job)
    steps = job.budget.total_steps(session.batches.train(Clock(0)).units)
    advance(job, session, Clock(0, steps, 0.0))
    tensors = (x for state in session.optimizer.state.values() for x in state.values())
    size = sum(x.nbytes for x in tensors if isinstance(x, Tensor) and x.ndim)
    count = sum(p.numel() for p in session.params.values())
    return {
        "optimizer_state": Amount(size, "bytes", "exact"),
        "optimizer_state_each": Amount(size / count, "bytes/parameter", "exact"),
    }


def storage_of(tensor: Tensor) -> int:
    """Where a tensor's numbers lie."""
    return int(tensor.untyped_storage().data_ptr())
