"""How long deployed models take to answer: prompts of several sizes, models in turn."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from audition.amount import Amount
from audition.config.instantiate import construct
from audition.costs.blocks import BLOCKS, Timed, in_blocks
from audition.deploy.model import Deployed
from audition.deploy.package import Torch
from audition.deploy.prune import Narrow
from audition.deploy.settle import Settle
from audition.energy.meter import Meter
from audition.errors import AuditionError
from audition.records.record import Record
from audition.records.store import Ledger
from audition.training.build import build
from audition.training.parents import parent_of, settings_at, weights_of
from audition.training.teacher import restored

SHAPES = ((32, 64), (1, 64), (1, 1))
"""Rows and tokens of a prompt: a batch, one text, one token. No model here keeps keys and values from
one call to the next, so each of them is computed anew (uncached)."""


def answer_seconds(
    models: Mapping[str, nn.Module], shape: tuple[int, int], blocks: int = BLOCKS
) -> dict[str, Timed]:
    """Seconds in which each model reads token ids of that shape, one call a block."""
    inputs = torch.zeros(shape, dtype=torch.int64)
    calls: Mapping[str, Callable[[], object]] = {
        name: partial(_asked, model, inputs) for name, model in models.items()
    }
    return in_blocks(calls, blocks=blocks)


@torch.inference_mode()
def _asked(model: nn.Module, inputs: Tensor) -> Tensor:
    logits: Tensor = model(inputs)
    return logits


def answer_joules(
    models: Mapping[str, nn.Module],
    shape: tuple[int, int],
    meter: Meter,
    *,
    at_least: float = 30.0,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Amount]:
    """Joules a token of each model, which answers for `at_least` seconds while nothing else is metered.

    A counter that sees the whole machine sees what else runs there. Raises AuditionError where the
    meter counts nothing, or cannot be opened.
    """
    if meter.method == "":
        raise AuditionError("energy=off counts no joules: choose a meter")
    inputs = torch.zeros(shape, dtype=torch.int64)
    found = {}
    for name, model in models.items():
        _asked(model, inputs)
        counter, begun, calls = meter.open(0), clock(), 0
        while clock() - begun < at_least:
            _asked(model, inputs)
            calls += 1
        tokens = calls * shape[0] * shape[1]
        found[name] = Amount(counter.close() / tokens, "J/token", meter.method)
    return found


def runtime_of(ledger: Ledger, record: Record, allowed: tuple[str, ...]) -> nn.Module:
    """The model that a deployed run wrote, as its runtime reads it.

    Raises AuditionError for a run that was not deployed, or has lost its file.
    """
    label = f"{record.arm} seed {record.seed}"
    if not record.parent:
        raise AuditionError(
            f"{label} was trained and not deployed: deploy=fp32 makes a run to time"
        )
    settings = settings_at(ledger, record, allowed)
    nodes: Mapping[str, Any] = settings["deploy"]
    package = construct(nodes["package"]) if "package" in nodes else Torch()
    path = ledger.folder_of(record) / package.file
    if not path.exists():
        raise AuditionError(f"{label} has lost {path.name}: deploy it in another ledger")
    parent = parent_of(ledger, record.parent["place"], record.parent["weights"])
    kept = weights_of(ledger, parent, allowed)
    deployed = Settle()(Deployed.of(restored(build({**settings, "deploy": {}}), kept)))
    for node in nodes.values():
        step = construct(node)
        if isinstance(step, Narrow):  # the one step after which modules have other shapes
            deployed = step(deployed)
    model: nn.Module = package.read(deployed, path)
    return model
