"""Runs that other runs need the weights of: a teacher's, or those that are deployed."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from audition.config.identity import targets
from audition.errors import AuditionError
from audition.plain_file import read_text
from audition.recipe.weights import FILE, Kept, read_kept
from audition.records.claim import Busy
from audition.records.record import Record
from audition.records.store import Ledger
from audition.training.run_spec import RunSpec

WAIT_S = 0.2
"""Between two looks at whether another process has made the weights [s]."""


def parent_of(ledger: Ledger, place: str, digest: str) -> Record:
    """The record at `place`, below `runs/`, of a run whose weights have that digest.

    Raises AuditionError where there is none.
    """
    record = ledger.get(ledger.root / "runs" / place)
    if record is None or not record.settled:
        raise AuditionError(f"there is no finished run at {ledger.root / 'runs' / place}")
    if record.weights != digest:
        raise AuditionError(
            f"{record.arm} seed {record.seed} was trained anew since this run was planned: the same "
            "command plans it again"
        )
    return record


def settings_at(ledger: Ledger, record: Record, allowed: tuple[str, ...]) -> dict[str, Any]:
    """The settings in the folder of `record`, which may name code in the packages `allowed` alone.

    Raises AuditionError where they are lost, or name other code.
    """
    path = ledger.folder_of(record) / "config.yaml"
    try:
        found = OmegaConf.to_container(OmegaConf.create(read_text(path)))
    except (OSError, UnicodeDecodeError, YAMLError, OmegaConfBaseException) as error:
        raise AuditionError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    if not isinstance(found, dict):
        raise AuditionError(f"{path} holds no settings")
    settings = {str(key): value for key, value in found.items()}
    for target in targets(settings):
        if not target.startswith(allowed):
            raise AuditionError(f"{path} names {target}, which allowed_targets does not")
    paths = {**settings["paths"], "output_dir": str(ledger.root)}
    return {"keep": {"weights": False, "text": 0}, **settings, "paths": paths}


def weights_of(
    ledger: Ledger,
    record: Record,
    allowed: tuple[str, ...],
    train: Callable[[RunSpec], Record] | None = None,
) -> Kept:
    """The last weights of the run of `record`: those it kept, else what `train` makes of it again.

    Raises AuditionError where the file holds others, or they did not come out the same to the bit.
    """
    folder = ledger.folder_of(record)
    while True:
        try:
            return read_kept(folder / FILE, record.weights)
        except FileNotFoundError:
            pass
        if train is None:
            raise AuditionError(f"the weights of {record.arm} seed {record.seed} were not kept")
        try:
            with ledger.claim(folder):
                if not (folder / FILE).exists():
                    _train_again(ledger, record, allowed, train)
        except Busy:
            time.sleep(WAIT_S)


def _train_again(
    ledger: Ledger, record: Record, allowed: tuple[str, ...], train: Callable[[RunSpec], Record]
) -> None:
    label = f"{record.arm} seed {record.seed}"
    settings = settings_at(ledger, record, allowed)
    if settings["budget"]["minutes"] is not None:
        raise AuditionError(
            f"the weights of {label} were not kept, and a run of some minutes does not come out the "
            "same twice: train it in another ledger with keep.weights=true"
        )
    with TemporaryDirectory(prefix=".part-", dir=ledger.root) as place:
        again = {
            **settings,
            "keep": {"weights": True, "text": 0},
            "logger": {},
            "energy": {"_target_": "audition.energy.off.Off"},
            "memory": {"_target_": "audition.observers.memory.NoMemory"},
            "paths": {**settings["paths"], "output_dir": place},
        }
        blank = replace(record, status="running", weights="", metrics={}, notes=())
        made = train(RunSpec(blank, again, {}))
        if made.weights != record.weights:
            raise AuditionError(
                f"the weights of {label} were not kept, and trained again they came out "
                f"otherwise ({_unlike(record, made)}): train it in another ledger with "
                "keep.weights=true"
            )
        written = Ledger(Path(place)).folder_of(made) / FILE
        written.replace(ledger.folder_of(record) / FILE)


def _unlike(before: Record, now: Record) -> str:
    """What of the arithmetic differs, in a few words."""
    facts: Mapping[str, str] = before.arithmetic
    differ = (f"{k} {v} then, {now.arithmetic.get(k)} now" for k, v in facts.items())
    changed = [
        text
        for text, (k, v) in zip(differ, facts.items(), strict=True)
        if now.arithmetic.get(k) != v
    ]
    return ", ".join(changed) or "the same versions, so the code has changed"
