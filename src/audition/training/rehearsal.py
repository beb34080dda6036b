"""A dry run: constructs the parts of a run untrained, to find early what only they refuse.

The parts are constructed on torch's meta device, where weights have shapes and no numbers, so that a
large model takes as long as a small one. The data are opened, which also files their tokens.
"""

import json
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from audition.config.groups import GROUPS
from audition.config.instantiate import construct
from audition.errors import AuditionError
from audition.parallel.team import Team
from audition.recipe.batches import Batch, Batches, Clock, Shape
from audition.recipe.gradient import check_whole
from audition.recipe.problem import Loss, Predict, Problem
from audition.recipe.recipe import Recipe
from audition.recipe.signals import View
from audition.recipe.streams import Streams
from audition.recipe.units import sites
from audition.training.build import build
from audition.training.packing.checks import check_packs

Made = TypeVar("Made")
Modules = tuple[nn.Module, nn.Module | None]
"""A model, and the parameters and state of the loss where it has any."""

MODEL = (
    "model",
    "loss",
    "ideas",
    "execution",
    *(group.name for group in GROUPS.values() if group.of_model),
)
DATA = ("data", "task", "ideas")
"""Keys of a config that decide what the modules are, and what the batches are."""

LONGEST = 300
"""Characters shown of an error that is not an AuditionError."""


class SizedTeam(Team):
    """A team of a given size without its processes."""

    def __init__(self, size: int) -> None:
        self.size = size


@dataclass(frozen=True)
class PartsCache:
    """Parts constructed so far, reused by every configuration with the same settings for them."""

    batches: dict[str, tuple[Batches, Batch]] = field(default_factory=dict)
    modules: dict[str, Modules] = field(default_factory=dict)


def rehearse(settings: Mapping[str, Any], cache: PartsCache | None = None) -> str:
    """Why a run of checked `settings` could not begin, in a sentence; empty where it could."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _rehearse(settings, cache or PartsCache())
    except AuditionError as error:
        return str(error)
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return f"a run of it cannot be put together ({text[:LONGEST]})"
    return ""


def _rehearse(settings: Mapping[str, Any], cache: PartsCache) -> None:
    construct(settings["energy"])
    job = build(settings, SizedTeam(construct(settings["parallel"]).processes))
    recipe, execution = job.recipe, job.execution
    streams = Streams(job.seed)
    execution.context()

    def opened() -> tuple[Batches, Batch]:
        batches = recipe.data(streams)
        return batches, batches.train(Clock(0, job.budget.steps))

    batches, batch = _once(cache.batches, settings, DATA, opened)
    clock = Clock(0, job.budget.total_steps(batch.units))
    share = next(batch.split(job.team.size))
    if share.rows % execution.accumulate:
        fitting = [str(n) for n in range(1, share.rows + 1) if share.rows % n == 0]
        raise AuditionError(
            f"execution.accumulate={execution.accumulate} does not divide the {share.rows} rows that "
            f"a process has of a batch; choose from: {', '.join(fitting)}, or another "
            "data.batch_size"
        )
    modules = _once(cache.modules, settings, MODEL, lambda: _modules(recipe, batches.shape))
    _check_answers(modules[0], batch)
    if execution.accumulate > 1:
        check_whole(modules[0], f"execution.accumulate={execution.accumulate}")
    if job.team.size > 1:
        check_whole(modules[0], f"parallel.processes={job.team.size}")
    if execution.pack != "off":
        check_packs(recipe, modules[0])
    params = _params(*modules)
    construct(settings["parallel"]).check_weights(params)
    _check_memory(params, execution.device)
    recipe.optimizer(params)
    state = recipe.effects.init(params, streams.child("effects"))
    recipe.apoptosis.init(sites(modules[0]), params)
    recipe.apoptosis.check(clock.steps)
    controls = recipe.schedule(clock)
    view = View(clock, controls, params, streams.child("effects"))
    problem = Problem(
        modules[0], params, UncalledLoss(), share, execution.accumulate, clock=clock, own=modules[1]
    )
    _gradient(recipe, problem, state, view)


class UncalledLoss(Loss):
    """A loss that never calls the model, to see how a gradient rule splits a batch."""

    def __call__(self, predict: Predict, batch: Batch, clock: Clock) -> Mapping[str, Tensor]:
        parameters = (p for p in predict.model.parameters() if p.requires_grad)
        return {"loss": next(parameters).sum()}


def _gradient(recipe: Recipe, problem: Problem, state: Any, view: View) -> None:
    """Only an AuditionError counts here, since tensors on the meta device have no values."""
    try:
        rule, state = recipe.effects.wrap_gradient(recipe.gradient, state, view)
        gradient = rule(problem)
        with torch.no_grad():
            recipe.effects.on_gradients(gradient, state, view)
    except AuditionError:
        raise
    except Exception:
        return


def _once(
    made: dict[str, Made],
    settings: Mapping[str, Any],
    keys: Iterable[str],
    make: Callable[[], Made],
) -> Made:
    key = json.dumps({key: settings.get(key) for key in keys}, sort_keys=True, default=str)
    if key not in made:
        made[key] = make()
    return made[key]


def _modules(recipe: Recipe, shape: Shape) -> Modules:
    """Constructed on the meta device, or on the CPU where that lacks an operation."""
    try:
        with torch.device("meta"):
            return recipe.model(shape), recipe.loss.init(shape)
    except AuditionError:
        raise
    except Exception:
        return recipe.model(shape), recipe.loss.init(shape)


def _check_answers(model: nn.Module, batch: Batch) -> None:
    """Raise AuditionError where the model's outputs do not fit the batch's targets, on one row."""
    row = batch.cut(slice(1))
    asked = tuple(row.targets.shape)
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            given = Predict(model)(row.to(next(model.parameters()).device.type))
    except AuditionError:
        raise
    except Exception:  # the meta device lacks something
        return
    finally:
        model.train(training)
    if tuple(given.shape[:-1]) != asked:
        raise AuditionError(
            f"the model gives {prod(given.shape[:-1])} answers a row, and the data ask for "
            f"{prod(asked)}: choose another model, or other data"
        )


def _check_memory(params: Mapping[str, Tensor], device: str) -> None:
    """Raise AuditionError for weights that, alone, this machine's memory cannot hold."""
    size = sum(p.numel() * p.element_size() for p in params.values())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if device == "cpu" and size > memory:
        raise AuditionError(
            f"the model's weights take {size / 1e9:,.0f} GB, and this machine has "
            f"{memory / 1e9:,.0f} GB: make it smaller"
        )


def _params(model: nn.Module, own: nn.Module | None) -> dict[str, nn.Parameter]:
    params = dict(model.named_parameters())
    if own is not None:
        params |= {f"loss.{name}": parameter for name, parameter in own.named_parameters()}
    return params


def work(payload: Mapping[str, Any], report: object) -> int:
    """Rehearse `payload["settings"]` one after the other, up to the first that could not begin.

    The answer is written to the file `payload["answer"]`: `[number, why]`, or nothing.
    """
    cache = PartsCache()
    for number, settings in enumerate(payload["settings"]):
        if why := rehearse(settings, cache):
            Path(payload["answer"]).write_text(json.dumps([number, why]), encoding="utf-8")
            break
    return 0
