"""One launch of two processes for most of the tests: to start them takes most of the time."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import parallel_entries
import pytest
import torch

from audition.parallel.launch import launch

DDP = ("parallel=ddp", "data.batch_size=8")
GATE = ("+idea=spectral_gate", "ideas.spectral_gate.every=2")
TURNOVER = (
    "apoptosis=functional_preservation",
    "apoptosis.timetable.interval=2",
    "apoptosis.timetable.warmup=1",
)
DROPOUT = ("model.dropout=0.2",)

CASES = {
    "adamw": ("whole", ()),
    "muon": ("whole", ("optimizer=muon",)),
    "ceilings": ("whole", ("preset=saturation_limiter",)),
    "gate": ("whole", (*GATE, "execution.accumulate=4")),
    "turnover": ("whole", TURNOVER),
    "in pieces": ("whole", ("execution.accumulate=4",)),
    "bf16": ("whole", ("precision=bf16",)),
    "turnover by lot": (
        "whole",
        (*TURNOVER, "apoptosis/fitness=random", "apoptosis/heredity=reset"),
    ),
    "growing": ("growing", ("training.check_every=1",)),
    "twice": ("twice", ()),
    "dropout": ("whole", DROPOUT),
    "again": ("whole", DROPOUT),
    "resumed": ("stopped", DROPOUT),
    "masks": ("masks", ()),
    "timed": ("timed", ("budget.steps=null", "budget.minutes=0.003", "training.evaluations=1")),
    "parted": ("parted", ("training.check_every=2",)),
}
"""What to do, and the overrides beside DDP."""


@dataclass(frozen=True)
class Told:
    """What came of the cases."""

    folder: Path
    answers: dict[str, Any]

    def weights(self, name: str, rank: int = 0) -> dict[str, torch.Tensor]:
        """The final weights on a rank."""
        found: dict[str, torch.Tensor] = torch.load(self.folder / f"{name}.{rank}.pt")
        return found


@pytest.fixture(scope="session")
def told(
    settings_of: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Told:
    """All cases, by two processes."""
    folder = tmp_path_factory.mktemp("ranks")
    cases = {
        name: {"do": do, "settings": settings_of(*DDP, *overrides)}
        for name, (do, overrides) in CASES.items()
    }
    payload = {"settings": settings_of(*DDP), "folder": str(folder), "cases": cases}
    json.dumps(payload)
    answers = launch(parallel_entries.several, payload, 2, lambda report: None, lambda step: False)
    return Told(folder, dict(answers))
