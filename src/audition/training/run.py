"""One run, from claiming its folder to writing its record: what a worker process does."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import torch
from omegaconf import OmegaConf

from audition.config.instantiate import construct, find
from audition.errors import AuditionError
from audition.measure import Measure
from audition.observers.checkpoint import Say, discard_checkpoints
from audition.observers.progress import Tell
from audition.observers.watching import warm
from audition.parallel.alone import Alone
from audition.parallel.ddp import Ddp
from audition.provenance import hardware
from audition.reasons import described
from audition.records.claim import Busy
from audition.records.record import Record, now
from audition.records.store import write_whole
from audition.training.run_spec import RunSpec
from audition.training.worker import share

DONE, BUSY, STOPPED = 0, 75, 143
"""Exit codes: 75 is "try again later" (sysexits.h), 143 is a shell's code for SIGTERM."""


def prepare(payload: Mapping[str, Any]) -> None:
    """Read what all runs of an arm read: the code they name, the text's digest, and what their
    trackers import.

    A process that forks the runs does it once for all; only the data's settings are constructed.
    """
    settings = payload["settings"]
    for node in nodes(settings):
        find(str(node["_target_"]))
    warm(settings.get("logger") or {})
    _ = construct(settings["data"]).corpus_fingerprint


def nodes(value: object) -> Iterator[Mapping[str, Any]]:
    """Every mapping within `value` that names a `_target_`, outermost first."""
    if isinstance(value, Mapping):
        if "_target_" in value:
            yield value
        for each in value.values():
            yield from nodes(each)


def work(payload: Mapping[str, Any], tell: Tell) -> int:
    """Train the run of a RunSpec's JSON in this process; SIGTERM or SIGHUP ends it, record written.

    So do the signals by which a cluster warns every process of a job that its time is up.
    """
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda number, frame: stopping.append(number))
    try:
        record = perform(RunSpec.from_dict(payload), tell, lambda step: bool(stopping))
    except Busy:
        return BUSY
    return STOPPED if record.status == "interrupted" else DONE


def perform(
    spec: RunSpec, tell: Tell, interrupted: Callable[[int], bool] = lambda step: False
) -> Record:
    """Train a run unless the ledger has its outcome already; returns its record.

    Raises Busy when another process trains it, or took it over while this one was frozen; any other
    error leaves a `failed` record behind.
    """
    ledger, folder = spec.ledger, spec.folder
    with ledger.claim(folder) as claim:
        before = ledger.get(folder)
        ours = before is not None and before.key == spec.record.key
        if before is not None and ours and before.settled:
            return before
        clock = time.perf_counter()
        record = spec.record.ended(
            "running",
            started=now(),
            host=socket.gethostname(),
            pid=os.getpid(),
            arithmetic=arithmetic(spec.settings["execution"]["device"]),
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
            ending = _train(spec, tell, say, stops)
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
            # Not before: until the record is written they are the only result of the run.
            discard_checkpoints(folder)
        return record


def _check_data(spec: RunSpec) -> None:
    """Raise AuditionError where the data have changed since the run got its key."""
    settings, planned = spec.settings, spec.record.evaluation
    task, source = construct(settings["task"]), construct(settings["data"])
    if planned and task.evaluation_fingerprint(source) != planned:
        raise AuditionError(
            "its data were changed after it was planned: the same command plans it anew"
        )


def _train(
    spec: RunSpec,
    tell: Tell,
    say: Say,
    interrupted: Callable[[int], bool],
) -> Mapping[str, Any]:
    settings, folder = spec.settings, spec.folder
    _check_data(spec)
    origin = {**spec.provenance, **surroundings(settings)}
    write_whole(folder / "config.yaml", OmegaConf.to_yaml(dict(settings)))
    write_whole(folder / "repro.json", json.dumps(origin, indent=1))

    def hear(report: Mapping[str, object]) -> None:
        if "said" in report:
            say(str(report["said"]))
        else:
            tell(report)

    parallel: Alone | Ddp = construct(settings["parallel"])
    answer = parallel.carry_out(share, spec.to_dict(), hear, interrupted)
    measures = {name: Measure(**how) for name, how in answer["measures"].items()}
    return {**answer, "measures": measures}


def reason_of(error: Exception) -> str:
    """The reason that a record gives for a run that `error` ended."""
    match error:
        case AuditionError():
            return str(error)
        case OSError(strerror=str(why), filename=where):
            return f"{where}: {why}" if where else why
    return described(error)


def surroundings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The machine, and the arithmetic that torch will do on it; for `repro.json`.

    Read in the run's own process, since it may have been planned on another machine.
    """
    execution = settings["execution"]
    return {
        "hardware": hardware(),
        "arithmetic": {
            "device": execution["device"],
            "threads": execution["threads"],
            "precision": settings["precision"]["_target_"],
            **arithmetic(execution["device"]),
            **(_libraries() if execution["device"] == "cuda" else {}),
        },
    }


def arithmetic(device: str) -> dict[str, str]:
    """What a run on `device` (cpu or cuda) computes with: the version of torch, the
    processor's instruction set as torch names it, and the card's name where there is one.

    Two runs that differ in it do not have the same bits, whatever their settings say.
    """
    found = {
        "torch": str(torch.__version__),
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }
    if device == "cuda" and torch.cuda.is_available():
        found["card"] = torch.cuda.get_device_name()
    return found


def _libraries() -> dict[str, Any]:
    if not torch.cuda.is_available():
        return {}
    return {
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
    }
