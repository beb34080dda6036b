"""The model that a run learns from (`loss=distill`): another run's, or its own before its first step.

Nothing imports this module by a plain import but what runs: a ledger is read here, and how that is
done is no part of any run's identity.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from audition.apoptosis.surgery import Weights, resize
from audition.errors import AuditionError
from audition.parts.initial import initialise
from audition.recipe.recipe import Recipe
from audition.recipe.streams import Streams
from audition.recipe.weights import Kept
from audition.records.store import Ledger
from audition.training.job import Job
from audition.training.parents import parent_of, settings_at, weights_of

Build = Callable[[Mapping[str, Any]], Job]
"""Checked settings -> the job that they describe."""


def taught(recipe: Recipe, settings: Mapping[str, Any], build: Build) -> Recipe:
    """`recipe`, whose loss is told where its teacher comes from; made when it is first asked."""
    loss: Any = recipe.loss
    first = partial(first_weights, recipe, settings["seed"])
    of_ledger = partial(teacher, settings, loss.teacher, loss.weights, build)
    return replace(recipe, loss=loss.taught(first if loss.teacher is None else of_ledger))


def first_weights(recipe: Recipe, seed: int) -> nn.Module:
    """The model as a run of that seed begins with it."""
    streams = Streams(seed)
    model: nn.Module = recipe.model(recipe.data(streams).shape)
    initialise(model, streams.child("init"))
    return model


def teacher(settings: Mapping[str, Any], place: str, digest: str, build: Build) -> nn.Module:
    """The model of the run at `place/seed_N` of the ledger, with the weights that it kept."""
    ledger = Ledger(Path(settings["paths"]["output_dir"]))
    allowed = tuple(settings["allowed_targets"])
    record = parent_of(ledger, f"{place}/seed_{settings['seed']}", digest)
    kept = weights_of(ledger, record, allowed)
    return restored(build(settings_at(ledger, record, allowed)), kept)


def restored(job: Job, kept: Kept) -> nn.Module:
    """The model of `job` with the weights that a run of it ended with.

    Raises AuditionError where those are of a model with other parameters.
    """
    streams = Streams(job.seed)
    model: nn.Module = job.recipe.model(job.recipe.data(streams).shape)
    initialise(model, streams.child("init"))
    params = dict(model.named_parameters())
    for site, count in kept.widths.items():
        resize(Weights(model, params, torch.optim.SGD(params.values(), lr=0.0)), site, count)
    whole = model.state_dict(keep_vars=True)
    held = params | {name: b for name, b in model.named_buffers() if name in whole}
    own = {name: x for name, x in kept.tensors.items() if not name.startswith("loss.")}
    if {n: x.shape for n, x in held.items()} != {n: x.shape for n, x in own.items()}:
        raise AuditionError("the weights that were kept are of a model with other parameters")
    with torch.no_grad():
        for name, tensor in own.items():
            held[name].copy_(tensor)
    return model
