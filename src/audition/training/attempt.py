"""One attempt at a run: its claim, its record as far as it has come, and what is filed beside it."""

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import torch
from omegaconf import OmegaConf

from audition.config.instantiate import construct
from audition.errors import AuditionError
from audition.observers.checkpoint import discard_checkpoints
from audition.observers.progress import Tell
from audition.plain_file import write_whole
from audition.provenance import hardware
from audition.reasons import described
from audition.records.claim import Claim
from audition.records.record import Record, now
from audition.training.run_spec import RunSpec


class Attempt:
    """One attempt at a run: its claim, and its record as far as it has come."""

    def __init__(self, spec: RunSpec, claim: Claim, before: Record | None, tell: Tell) -> None:
        self.spec, self.claim, self.tell = spec, claim, tell
        self.began, self.packed = time.perf_counter(), 1
        self.record = spec.record.ended(
            "running",
            started=now(),
            host=socket.gethostname(),
            pid=os.getpid(),
            arithmetic=arithmetic(spec.settings["execution"]["device"]),
            notes=before.notes if before is not None else (),
        )
        spec.ledger.write(self.record)

    def prepare(self, packed: int = 1) -> None:
        """Check the run's data, and file its settings and what it was made from."""
        settings, folder = self.spec.settings, self.spec.folder
        _check_data(self.spec)
        origin = {**self.spec.provenance, **surroundings(settings)}
        self.packed = packed
        if packed > 1:
            origin["packed_with"] = packed - 1
        write_whole(folder / "config.yaml", OmegaConf.to_yaml(dict(settings)))
        write_whole(folder / "repro.json", json.dumps(origin, indent=1))

    def say(self, text: str) -> None:
        """Tell the user, and note it in the record."""
        print(f"audition: {text}", file=sys.stderr)
        self.record = self.record.ended("running", notes=(*self.record.notes, text))
        with suppress(AuditionError):  # it is kept with the outcome
            self.spec.ledger.write(self.record)

    def hear(self, report: Mapping[str, object]) -> None:
        """Take what the process that trains the run tells: a note, or how far it is."""
        if "said" in report:
            self.say(str(report["said"]))
        else:
            self.tell(report)

    def stops(self, interrupted: Callable[[int], bool]) -> Callable[[int], bool]:
        """`interrupted`, which raises Busy where another process has taken the run over."""

        def asked(step: int) -> bool:
            self.claim.check()
            return interrupted(step)

        return asked

    def fail(self, error: Exception) -> None:
        """Write that the run failed, and why."""
        self.claim.check(now=True)
        failed = self.record.ended("failed", reason_of(error), seconds=self._seconds())
        self.spec.ledger.write(failed)

    def end(self, ending: Mapping[str, Any]) -> Record:
        """Write the run's record; returns it."""
        self.claim.check(now=True)
        self.record = self.record.ended(**ending, seconds=self._seconds())
        self.spec.ledger.write(self.record)
        if self.record.settled:
            # Not before: until the record is written they are the only result of the run.
            discard_checkpoints(self.spec.folder)
        return self.record

    def _seconds(self) -> float:
        """Its part of the time that the pack has taken."""
        return (time.perf_counter() - self.began) / self.packed


@contextmanager
def attempted(spec: RunSpec, tell: Tell) -> Iterator[Attempt | Record]:
    """An attempt at a run, claimed for as long as it lasts; its record where it has an outcome.

    Raises Busy where another process trains it.
    """
    ledger, folder = spec.ledger, spec.folder
    with ledger.claim(folder) as claim:
        before = ledger.get(folder)
        ours = before if before is not None and before.key == spec.record.key else None
        yield ours if ours is not None and ours.settled else Attempt(spec, claim, ours, tell)


def _check_data(spec: RunSpec) -> None:
    """Raise AuditionError where the data have changed since the run got its key."""
    settings, planned = spec.settings, spec.record.evaluation
    task, source = construct(settings["task"]), construct(settings["data"])
    if planned and task.evaluation_fingerprint(source) != planned:
        raise AuditionError(
            "its data were changed after it was planned: the same command plans it anew"
        )


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
