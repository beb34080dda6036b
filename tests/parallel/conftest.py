"""One launch of two processes for most of the tests: to start them takes most of the time."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from warm import PATIENCE_S, Command, Warm

from audition.config.members import members
from audition.errors import AuditionError
from audition.training.build import build
from audition.training.rehearsal import SizedTeam

DDP = ("parallel=ddp", "data.batch_size=8")
GATE = ("+idea=spectral_gate", "ideas.spectral_gate.every=2")
TURNOVER = (
    "apoptosis=functional_preservation",
    "apoptosis/timetable=periodic",
    "apoptosis.timetable.interval=2",
    "apoptosis.timetable.warmup=1",
)
SURPRISE = ("preset=surprise_gate", "effects.surprise_gate.warmup=1")
FSDP = ("parallel=fsdp",)
DROPOUT = ("model.dropout=0.2",)

CASES = {
    "adamw": ("whole", ()),
    "muon": ("whole", ("optimizer=muon",)),
    "ceilings": ("whole", ("preset=saturation_limiter",)),
    "gate": ("whole", (*GATE, "execution.accumulate=4")),
    "leveler": ("whole", ("+idea=cotangent_leveler",)),
    "positions": ("whole", ("+idea=blue_positions",)),
    "counts": ("whole", ("+idea=count_shrink",)),
    "stream": ("whole", ("+idea=stream_gate", "ideas.stream_gate.basis=random")),
    "surprise": ("whole", SURPRISE),
    "fsdp surprise": ("whole", (*FSDP, *SURPRISE)),
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
    "fsdp unclipped": ("whole", (*FSDP, "training.clip=null")),
    "fsdp": ("whole", FSDP),
    "fsdp in pieces": ("whole", (*FSDP, "execution.accumulate=2")),
    "fsdp bf16": ("whole", (*FSDP, "precision=bf16", "training.clip=null")),
    "fsdp twice": ("twice", FSDP),
    "fsdp dropout": ("whole", (*FSDP, *DROPOUT)),
    "fsdp resumed": ("stopped", (*FSDP, *DROPOUT)),
    "fsdp damaged": ("damaged", FSDP),
    "fsdp unwritable": ("unwritable", FSDP),
    "fsdp gates": ("whole", (*FSDP, "skip=gated", "skip.span=1")),
    "fsdp weighted": ("whole", (*FSDP, "skip=attention")),
    "fsdp pictures": ("whole", (*FSDP, "experiment=digits", "model=convnet")),
}
"""What to do, and the overrides beside DDP."""


MEMBERS = {
    member.chosen: (member.chosen, *member.needs)
    for group in ("optimizer", "preset")
    for member in members(group)
}
"""Overrides by which parts are chosen that work on weights: `parallel=fsdp` trains or refuses each."""
ALWAYS = {*list(MEMBERS)[::3], "optimizer=adamw", "optimizer=sgd", "preset=saturation_limiter"}
"""Those that CI tries; the others are slow."""


def why_unshardable(settings: dict[str, Any]) -> str:
    """Why `parallel=fsdp` refuses a run of those settings; empty where it trains it."""
    try:
        build(settings, SizedTeam(2))
    except AuditionError as error:
        return str(error)
    return ""


@dataclass(frozen=True)
class Told:
    """What came of the cases."""

    folder: Path
    answers: dict[str, Any]

    def weights(self, name: str, rank: int = 0) -> dict[str, torch.Tensor]:
        """The final weights on a rank."""
        found: dict[str, torch.Tensor] = torch.load(self.folder / f"{name}.{rank}.pt")
        return found


Launching = Callable[..., Command]


@pytest.fixture(scope="session")
def launching(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Launching:
    """What to do, and with what -> a process that does it with two ranks (`launching.py`)."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def begin(what: str, payload: Mapping[str, Any], **more: str) -> Command:
        file = tmp_path_factory.mktemp("launching") / "payload.json"
        file.write_text(json.dumps(payload))
        return warm.begin("launching", what, str(file), env={**environment, **more})

    return begin


@pytest.fixture(scope="session")
def launched(launching: Launching) -> Callable[..., Any]:
    """The same to its end: what it came to, or what it was refused with."""

    def answer(what: str, payload: Mapping[str, Any], **more: str) -> Any:
        with launching(what, payload, **more) as command:
            said, complained = command.communicate(timeout=PATIENCE_S)
        assert command.returncode == 0, complained
        return json.loads(said)

    return answer


@pytest.fixture(scope="session")
def told(
    request: pytest.FixtureRequest,
    settings_of: Callable[..., dict[str, Any]],
    launched: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Told:
    """All cases, by two processes, and the members that are asked for."""
    calls = (getattr(item, "callspec", None) for item in request.session.items)
    asked = {call.params.get("member") for call in calls if call is not None}
    folder = tmp_path_factory.mktemp("ranks")
    cases = {
        name: {"do": do, "settings": settings_of(*DDP, *overrides)}
        for name, (do, overrides) in CASES.items()
    }
    for member in ALWAYS | (asked & MEMBERS.keys()):
        words = MEMBERS[member]
        settings = settings_of(*DDP, *FSDP, *words)
        if not why_unshardable(settings):
            cases[member] = {"do": "whole", "settings": settings}
    file = folder / "cases.json"  # an environment variable, as which settings come, has its limit
    file.write_text(json.dumps(cases))
    payload = {"settings": settings_of(*DDP), "folder": str(folder), "cases": str(file)}
    return Told(folder, launched("several", payload))
