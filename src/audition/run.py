"""One run, from claiming its folder to writing its record: what a worker process does."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from audition.build import build
from audition.config.construct import factory
from audition.errors import AuditionError
from audition.ledger.record import Record, now
from audition.ledger.store import Busy, Ledger, write_whole
from audition.observers.checkpoint import Checkpoint, last_checkpoint
from audition.observers.metrics import Metrics
from audition.observers.observer import Observer
from audition.observers.progress import Progress, Tell
from audition.trainer import Outcome, train

DONE, BUSY, STOPPED = 0, 75, 143
"""Exit codes: 75 is "try again later" (sysexits.h), 143 is what a shell calls an end by SIGTERM."""


@dataclass(frozen=True)
class Assignment:
    """A run to be done: its record as it will begin, its settings, and where code came from."""

    record: Record
    settings: Mapping[str, Any]
    provenance: Mapping[str, Any]

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "Assignment":
        """The assignment in a payload of `sweep.assign`."""
        record = Record.from_json(payload["record"])
        return cls(record, payload["settings"], payload["provenance"])


def work(payload: Mapping[str, Any], tell: Tell) -> int:
    """Do an assignment in a process of its own; SIGTERM ends it with its record written."""
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))
    try:
        record = perform(Assignment.of(payload), tell, lambda step: bool(stopping))
    except Busy:
        return BUSY
    return STOPPED if record.status == "interrupted" else DONE


def perform(
    assignment: Assignment, tell: Tell, interrupted: Callable[[int], bool] = lambda step: False
) -> Record:
    """Train a run unless the ledger has its outcome already; returns its record.

    Raises Busy when another process is at it, and leaves a `failed` record behind any other error.
    """
    ledger = Ledger(Path(assignment.settings["paths"]["output_dir"]))
    begun = assignment.record
    folder = ledger.folder_of(begun)
    with ledger.claim(folder):
        before = ledger.get(folder)
        if before is not None and before.settled and before.key == begun.key:
            return before
        clock = time.perf_counter()
        begun = begun.ended(
            "running",
            started=now(),
            host=socket.gethostname(),
            pid=os.getpid(),
        )
        ledger.write(begun)
        try:
            write_whole(folder / "config.yaml", OmegaConf.to_yaml(dict(assignment.settings)))
            write_whole(folder / "repro.json", json.dumps(assignment.provenance, indent=1))
            outcome = _train(assignment.settings, folder, tell, interrupted)
        except Exception as error:
            reason = str(error) if isinstance(error, AuditionError) else repr(error)
            ledger.write(begun.ended("failed", reason, seconds=time.perf_counter() - clock))
            raise
        record = begun.ended(
            outcome.status, outcome.reason, seconds=time.perf_counter() - clock, **facts(outcome)
        )
        ledger.write(record)
        return record


def _train(
    settings: Mapping[str, Any], folder: Path, tell: Tell, interrupted: Callable[[int], bool]
) -> Outcome:
    loggers: list[Observer] = [
        factory(node)(folder) for node in (settings.get("logger") or {}).values()
    ]
    observers = [Metrics(folder), Progress(tell), Checkpoint(folder), *loggers]
    return train(
        build(settings), observers, resume=last_checkpoint(folder), interrupted=interrupted
    )


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
        "tokens": session.tokens,
        "steps": session.step,
        "train_seconds": session.seconds,
        "forward_passes": session.cost.forward,
        "backward_passes": session.cost.backward,
        "parameters": sum(p.numel() for p in session.params.values()),
    }
