"""Finds one run of a ledger by its key, its folder, or its arm and seed."""

from pathlib import Path

from audition.errors import AuditionError, choices
from audition.records.record import Record
from audition.records.store import Contents, Ledger


def find_run(ledger: Ledger, contents: Contents, word: str) -> Record:
    """The run that `word` names: the beginning of its key, its folder, or `arm/seed`.

    Raises AuditionError where none is named, or several are.
    """
    arm, _, seed = word.rstrip("/").rpartition("/")
    folder = Path(word).resolve()
    found = {
        record.key: record
        for record in contents.records
        if (word and record.key.startswith(word))
        or (arm, seed.removeprefix("seed_")) == (record.arm, str(record.seed))
        or ledger.folder_of(record).resolve() == folder
    }
    if not found:
        known = [f"{record.arm}/{record.seed}" for record in contents.records]
        raise AuditionError(f"no run '{word}' in {ledger.root}{choices(word, set(known))}")
    if len(found) > 1:
        keys = ", ".join(f"{key[:8]} ({r.arm} seed {r.seed})" for key, r in found.items())
        raise AuditionError(f"'{word}' names {len(found)} runs: choose one by its key: {keys}")
    return next(iter(found.values()))
