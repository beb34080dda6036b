"""One run, from claiming its folder to writing its record: what a worker process does."""

import signal
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from audition.amount import Amount
from audition.config.instantiate import construct, find
from audition.measure import Measure
from audition.observers.progress import Tell
from audition.observers.watching import warm
from audition.parallel.alone import Alone
from audition.parallel.ddp import Ddp
from audition.records.claim import Busy
from audition.records.record import Record
from audition.training.attempt import Attempt, attempted
from audition.training.parents import parent_of, weights_of
from audition.training.run_spec import RunSpec
from audition.training.worker import share, share_packed

DONE, BUSY, STOPPED = 0, 75, 143
"""Exit codes: 75 is "try again later" (sysexits.h), 143 is a shell's code for SIGTERM."""

DERIVE = "audition.training.derive.derive"
"""What makes a deployed run. By its name, so that only those import what it needs."""


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
    """Train the run of a RunSpec's JSON in this process, or those of `{"pack": [...]}` as one.

    SIGTERM or SIGHUP ends it, record written; so do the signals by which a cluster warns every
    process of a job that its time is up.
    """
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda number, frame: stopping.append(number))

    def asked(step: int) -> bool:
        return bool(stopping)

    if "pack" in payload:
        return perform_pack([RunSpec.from_dict(each) for each in payload["pack"]], tell, asked)
    try:
        record = perform(RunSpec.from_dict(payload), tell, asked)
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
    with attempted(spec, tell) as attempt:
        if isinstance(attempt, Record):
            return attempt
        try:
            attempt.prepare()
            if spec.record.parent:
                return attempt.end(find(DERIVE)(spec, partial(again, interrupted)))
            keep_teacher(spec, interrupted)
            ending = _train(attempt, interrupted)
        except Busy:
            raise
        except Exception as error:
            attempt.fail(error)
            raise
        return attempt.end(ending)


def keep_teacher(spec: RunSpec, interrupted: Callable[[int], bool]) -> None:
    """See to it that the ledger has the weights of the run that this one learns from, if there is one.

    Raises AuditionError where it has not, and they cannot be made again.
    """
    loss = spec.settings["loss"]
    if loss.get("teacher") is None:
        return
    place = f"{loss['teacher']}/seed_{spec.record.seed}"
    record = parent_of(spec.ledger, place, loss["weights"])
    weights_of(
        spec.ledger, record, tuple(spec.settings["allowed_targets"]), partial(again, interrupted)
    )


def again(interrupted: Callable[[int], bool], spec: RunSpec) -> Record:
    """Train a run whose weights are lost, without a word."""
    return perform(spec, lambda told: None, interrupted)


def perform_pack(
    specs: Sequence[RunSpec], tell: Tell, interrupted: Callable[[int], bool] = lambda step: False
) -> int:
    """Train the runs of `specs`, all of one arm, as one, but for those with an outcome.

    Returns an exit code: 75 where another process trains one of them, 1 where one failed; the
    others have their records. An error of the pack itself fails all of its runs and is raised.
    """
    with ExitStack() as stack:
        busy, attempts = False, []
        for spec in specs:
            try:
                attempt = stack.enter_context(attempted(spec, tell))
            except Busy:
                busy = True
            else:
                if isinstance(attempt, Attempt):
                    attempts.append(attempt)
        try:
            for attempt in attempts:
                attempt.prepare(packed=len(attempts))
            endings = share_packed(
                [attempt.spec for attempt in attempts],
                [attempt.hear for attempt in attempts],
                [attempt.stops(interrupted) for attempt in attempts],
            )
        except Busy:
            return BUSY
        except Exception as error:
            for attempt in attempts:
                attempt.fail(error)
            raise
        failed = stopped = False
        for attempt, ending in zip(attempts, endings, strict=True):
            if isinstance(ending, Busy):
                busy = True
            elif isinstance(ending, Exception):
                failed = True
                traceback.print_exception(ending)
                attempt.fail(ending)
            else:
                stopped |= attempt.end(_read(ending)).status == "interrupted"
    return BUSY if busy else 1 if failed else STOPPED if stopped else DONE


def _train(attempt: Attempt, interrupted: Callable[[int], bool]) -> Mapping[str, Any]:
    """What the record of a run ends with, once it is trained alone; its bits may be a pack's."""
    spec, stops = attempt.spec, attempt.stops(interrupted)
    if spec.packed:
        (ending,) = share_packed([spec], [attempt.hear], [stops])
        if isinstance(ending, Exception):
            raise ending
        return _read(ending)
    parallel: Alone | Ddp = construct(spec.settings["parallel"])
    return _read(parallel.carry_out(share, spec.to_dict(), attempt.hear, stops))


def _read(ending: Mapping[str, Any]) -> Mapping[str, Any]:
    measures = {name: Measure(**how) for name, how in ending["measures"].items()}
    costs = {name: Amount(**how) for name, how in ending["costs"].items()}
    return {**ending, "measures": measures, "costs": costs}
