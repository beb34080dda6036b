"""A deployed run: the weights of a trained run through a chain, into a file, which is evaluated.

What is judged is the file: it is read back by its runtime, and that model is asked.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from audition.amount import Amount
from audition.config.instantiate import construct
from audition.deploy.model import Deployed, Step, checked
from audition.deploy.package import Package, Torch, deflated
from audition.deploy.settle import Settle
from audition.errors import AuditionError
from audition.execution import Float32
from audition.measure import BEST, recorded
from audition.parts.flops import forward_flops
from audition.parts.stepping.together import averaging_of
from audition.recipe.batches import Clock
from audition.recipe.problem import Predict
from audition.recipe.streams import Streams
from audition.recipe.weights import digest
from audition.records.record import Record
from audition.training.build import build
from audition.training.evaluation import HeldOutRows, measured
from audition.training.job import Job
from audition.training.parents import parent_of, weights_of
from audition.training.run_spec import RunSpec
from audition.training.teacher import restored
from audition.training.worker import measures_of

SETTLED = ("settle", "package")
"""Names in a chain of what every chain has: its first step, and its last."""


def derive(spec: RunSpec, train: Callable[[RunSpec], Record]) -> dict[str, Any]:
    """Deploy the parent of `spec` as its settings say; returns the facts that its record ends with.

    `train` makes a parent's weights again where they were not kept. Raises AuditionError where the
    parent is gone or a step has nothing to act on.
    """
    settings, ledger = spec.settings, spec.ledger
    told = spec.record.parent
    parent = parent_of(ledger, told["place"], told["weights"])
    same = ("units", "steps", "updates", "train_seconds", "forward_passes", "backward_passes")
    spent = {name: getattr(parent, name) for name in same}
    if parent.status == "diverged":
        why = f"the run that it is made of diverged: {parent.reason}"
        return {"status": "diverged", "reason": why, **spent}
    job = build({**settings, "deploy": {}})
    check_evaluated(job)
    kept = weights_of(ledger, parent, tuple(settings["allowed_targets"]), train)
    job.execution.enter()
    batches = job.recipe.data(Streams(job.seed))
    example = batches.train(Clock(0)).inputs[:2]
    deployed, package = through(settings["deploy"], Deployed.of(restored(job, kept)))
    model = deployed.model
    path = package.write(deployed, spec.folder, example)
    runtime = package.read(deployed, path)
    execution = replace(job.execution, precision=Float32(), device="cpu", compile=False)
    found = measured(job.evaluators, HeldOutRows(Predict(runtime), batches, execution))
    values = {recorded(name): value for name, value in found.items()}
    measures, primary = measures_of(job, batches.domains), job.task.primary
    if primary not in values:
        raise AuditionError(
            f"{primary} is of the course of a training, and a deployed run has its end alone: "
            "deploy= is for other tasks"
        )
    stored = {name: each.dense() for name, each in deployed.stored.items()}
    lost = not math.isfinite(values[primary])
    return {
        "status": "diverged" if lost else "finished",
        "reason": f"{measures[primary].label} is {values[primary]} once it is deployed" * lost,
        "metrics": values | {name + BEST: value for name, value in values.items()},
        "measures": measures,
        **spent,
        "parameters": sum(p.numel() for p in model.parameters()),
        "weights": digest(stored),
        "costs": {**parent.costs, **costs_of(model, path)},
    }


def through(nodes: Mapping[str, Any], deployed: Deployed) -> tuple[Deployed, Package]:
    """`deployed` after every step that `nodes` name, in order, and what it is to be shipped in.

    Raises AuditionError for a step that changes nothing.
    """
    package: Package = construct(nodes["package"]) if "package" in nodes else Torch()
    deployed = Settle()(deployed)
    for name, node in nodes.items():
        if name not in SETTLED:
            step: Step = construct(node)
            deployed = checked(step, name, deployed)
    return deployed, package


def costs_of(model: nn.Module, path: Path) -> dict[str, Amount]:
    """What the file and a forward pass cost; operations of a language model with a formula."""
    content = path.read_bytes()
    costs = {
        "model_bytes": Amount(len(content), "bytes", "measured"),
        "model_bytes_deflated": Amount(deflated(content), "bytes", "measured"),
    }
    places = getattr(model, "context", 0)
    try:
        flops = forward_flops(model, places) / places
    except (AuditionError, ZeroDivisionError):
        return costs
    return {**costs, "forward_flops": Amount(flops, "operations/token", "exact")}


def check_evaluated(job: Job) -> None:
    """Raise AuditionError where a run evaluates other weights than those that it keeps."""
    recipe = job.recipe
    for name, effect in recipe.effects.members.items():
        if "on_evaluation" in effect.moments() and not getattr(effect, "of_live", False):
            raise AuditionError(
                f"effects.{name} evaluates other weights than those that are kept, which are what is "
                "shipped: leave it out"
            )
    blank = {"w": nn.Parameter(torch.zeros(2, 2))}
    try:
        averages = bool(averaging_of(recipe.optimizer(blank)))
    except Exception:  # an optimizer that asks for more than this
        return
    if averages:
        raise AuditionError(
            "the optimizer evaluates an average of the weights, and the last ones are kept, which are "
            "what is shipped: choose another optimizer"
        )
