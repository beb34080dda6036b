"""One run, from claiming its folder to writing its record: what a worker process does."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from audition.build import build
from audition.config.construct import construct, factory, find
from audition.config.schema import normalise
from audition.errors import AuditionError
from audition.facts import facts
from audition.ledger.claim import Busy
from audition.ledger.record import Record, now
from audition.ledger.store import Ledger, write_whole
from audition.observers.checkpoint import Checkpoint, Say, discard_checkpoints
from audition.observers.metrics import Metrics
from audition.observers.observer import Observer
from audition.observers.progress import Progress, Tell
from audition.parallel.alone import Alone
from audition.parallel.ddp import Ddp
from audition.parallel.team import Team
from audition.resume import train_on
from audition.surroundings import surroundings

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


def prepare(payload: Mapping[str, Any]) -> None:
    """Read what all runs of an arm read: the code they name, its signatures, the text's digest.

    A process that forks the runs does it once for all; only the data's settings are constructed.
    """
    settings = payload["settings"]
    for node in nodes(settings):
        normalise(node)
        find(str(node["_target_"]))
    _ = construct(settings["data"]).corpus_fingerprint


def nodes(value: object) -> Iterator[Mapping[str, Any]]:
    """Every mapping within `value` that names a `_target_`, outermost first."""
    if isinstance(value, Mapping):
        if "_target_" in value:
            yield value
        for each in value.values():
            yield from nodes(each)


def work(payload: Mapping[str, Any], tell: Tell) -> int:
    """Do an assignment in a process of its own; SIGTERM ends it with its record written.

    So do the signals by which a cluster warns every process of a job that its time is up.
    """
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda number, frame: stopping.append(number))
    try:
        record = perform(Assignment.of(payload), tell, lambda step: bool(stopping))
    except Busy:
        return BUSY
    return STOPPED if record.status == "interrupted" else DONE


def perform(
    assignment: Assignment, tell: Tell, interrupted: Callable[[int], bool] = lambda step: False
) -> Record:
    """Train a run unless the ledger has its outcome already; returns its record.

    Raises Busy when another process is at it, or took it over while this one stood still, and leaves
    a `failed` record behind any other error.
    """
    ledger = Ledger(Path(assignment.settings["paths"]["output_dir"]))
    folder = ledger.folder_of(assignment.record)
    with ledger.claim(folder) as claim:
        before = ledger.get(folder)
        ours = before is not None and before.key == assignment.record.key
        if before is not None and ours and before.settled:
            return before
        clock = time.perf_counter()
        record = assignment.record.ended(
            "running",
            started=now(),
            host=socket.gethostname(),
            pid=os.getpid(),
            notes=before.notes if before is not None and ours else (),
        )
        ledger.write(record)

        def say(text: str) -> None:
            nonlocal record
            print(f"audition: {text}", file=sys.stderr)
            record = record.ended("running", notes=(*record.notes, text))
            with suppress(AuditionError):  # it is kept with the outcome
                ledger.write(record)

        def stops(step: int) -> bool:
            claim.check()
            return interrupted(step)

        try:
            ending = _train(assignment, folder, tell, say, stops)
        except Busy:
            raise
        except Exception as error:
            claim.check(now=True)
            seconds = time.perf_counter() - clock
            ledger.write(record.ended("failed", reason_of(error), seconds=seconds))
            raise
        claim.check(now=True)
        seconds = time.perf_counter() - clock
        record = record.ended(**ending, seconds=seconds)
        ledger.write(record)
        if record.settled:
            # Not before: until then they are all there is of the run.
            discard_checkpoints(folder)
        return record


def _train(
    assignment: Assignment,
    folder: Path,
    tell: Tell,
    say: Say,
    interrupted: Callable[[int], bool],
) -> Mapping[str, Any]:
    settings, key = assignment.settings, assignment.record.key
    origin = {**assignment.provenance, **surroundings(settings)}
    write_whole(folder / "config.yaml", OmegaConf.to_yaml(dict(settings)))
    write_whole(folder / "repro.json", json.dumps(origin, indent=1))
    payload = {"settings": dict(settings), "folder": str(folder), "key": key}

    def hear(report: Mapping[str, object]) -> None:
        if "said" in report:
            say(str(report["said"]))
        else:
            tell(report)

    parallel: Alone | Ddp = construct(settings["parallel"])
    return parallel.carry_out(share, payload, hear, interrupted)


def share(
    payload: Mapping[str, Any], team: Team, tell: Tell, interrupted: Callable[[int], bool]
) -> dict[str, Any]:
    """Train a run as one of `team`, of whom the first alone watches it and writes of it.

    Returns what the record says of its end; a sentence for the record is told as it falls.
    """
    settings, folder, key = payload["settings"], Path(payload["folder"]), payload["key"]
    job = build(settings, team)

    def say(text: str) -> None:
        tell({"said": text})

    observers: list[Observer] = []
    if team.rank == 0:
        loggers = [factory(node)(folder) for node in (settings.get("logger") or {}).values()]
        checkpoint = Checkpoint(folder, key, say, **settings["checkpoint"])
        observers = [Metrics(folder), Progress(tell), checkpoint, *loggers]
    outcome = train_on(job, observers, folder=folder, key=key, say=say, interrupted=interrupted)
    return {"status": outcome.status, "reason": outcome.reason, **facts(outcome)}


def reason_of(error: Exception) -> str:
    """What a record says of a run that `error` ended."""
    match error:
        case AuditionError():
            return str(error)
        case OSError(strerror=str(why), filename=where):
            return f"{where}: {why}" if where else why
    return repr(error)
