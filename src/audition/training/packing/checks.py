"""Whether the runs of an arm can be packed, and how many of them fit into memory."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from audition.errors import AuditionError
from audition.parts.stepping.curvature import Curvature
from audition.recipe import tree
from audition.recipe.batches import Clock
from audition.recipe.gradient import backward
from audition.recipe.problem import Problem
from audition.recipe.recipe import Recipe
from audition.recipe.turnover import Turnover
from audition.training.loop import Run

ALIVE = 4
"""Tensors of a parameter's size that a step holds: itself, its gradient, two moments."""


def check_packs(recipe: Recipe, model: nn.Module) -> None:
    """Raise AuditionError where runs of `recipe` cannot take their steps together."""
    if why := why_not(recipe, model):
        raise AuditionError(f"{why}, so its runs cannot be packed: set execution.pack=off")


def why_not(recipe: Recipe, model: nn.Module) -> str:
    """Why runs of `recipe` cannot be packed, as half a sentence; empty where they can."""
    kinds = nn.modules.dropout._DropoutNd
    if any(isinstance(m, kinds) and m.p > 0 for m in model.modules()):
        return "the model has dropout, which draws each run's masks from its own generator"
    if why := next(filter(None, (getattr(m, "unpacked", "") for m in model.modules())), ""):
        return str(why)
    if type(recipe.apoptosis) is not Turnover:
        return "units die at other steps in each run (apoptosis)"
    if recipe.gradient is not backward:
        return "an idea or parallel= has a gradient rule of its own"
    if recipe.loss.unpacked:
        return recipe.loss.unpacked
    for name, effect in recipe.effects.members.items():
        if "wrap_gradient" in effect.moments() and not getattr(effect, "packs", False):
            if isinstance(effect, Curvature):
                return "the optimizer measures curvature by passes of its own"
            return f"effects.{name} wraps the gradient rule, and does not declare `packs = True`"
    return ""


def check_size(runs: Sequence[Run]) -> None:
    """Raise AuditionError where a pack of `runs` does not fit into memory, with the most that do."""
    each, free = bytes_of(runs[0]), free_memory(runs[0].job.execution.device)
    if free is not None and each * len(runs) > free:
        raise AuditionError(
            f"execution.pack={len(runs)} takes about {each * len(runs) / 1e9:,.1f} GB, and "
            f"{free / 1e9:,.1f} GB are free: choose {max(1, int(free // each))} or fewer"
        )


def free_memory(device: str) -> int | None:
    """Bytes that are free on `device` (cpu or cuda); None where the machine does not say."""
    if device == "cuda":
        return torch.cuda.mem_get_info()[0]
    try:
        found = re.search(
            r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text(encoding="utf-8")
        )
    except OSError:
        return None
    return 1024 * int(found[1]) if found else None


def bytes_of(run: Run) -> int:
    """About how much memory a step of one run takes: weights, moments, and what backward keeps.

    Measured by one forward pass over the run's own first batch, which leaves the run as it was.
    """
    job, session = run.job, run.session
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage: Any = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    batch = session.batches.train(Clock(0)).to(job.execution.device)
    problem = Problem(
        session.model,
        session.params,
        job.recipe.loss,
        batch,
        clock=Clock(0),
        own=session.loss,
    )
    piece = next(batch.split(job.execution.accumulate))
    random, before = torch.get_rng_state(), tree.clone(session.buffers)
    saved = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    with saved, job.execution.context():
        problem.terms(piece)
    torch.set_rng_state(random)
    tree.write(session.buffers, before)  # running statistics saw the batch
    weights = sum(p.numel() * p.element_size() for p in session.params.values())
    return ALIVE * weights + sum(kept.values())
