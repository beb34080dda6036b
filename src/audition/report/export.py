"""Runs of a finished ledger for other tools: shown in a tracker, or written as Parquet files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from audition.config.instantiate import factory
from audition.config.members import members
from audition.errors import AuditionError, choices, writing
from audition.plain_file import write_whole
from audition.records.metrics import read_lines
from audition.records.record import Record
from audition.records.store import Contents, Ledger
from audition.trackers.background import BackgroundTracker, Patience

PARQUET = "parquet"
PATIENCE = Patience(seconds=60.0)
"""Longer than for a run that trains, which must not wait for its tracker."""


def trackers() -> Mapping[str, Mapping[str, Any]]:
    """The trackers that `logger` may name, from the files of `conf/logger`: name -> node."""
    found: dict[str, Mapping[str, Any]] = {}
    for member in members("logger"):
        found |= member.plain
    return found


def chosen(contents: Contents, arms: Sequence[str]) -> list[Record]:
    """The runs with an outcome of the arms named, or of all. AuditionError where there are none."""
    settled = [record for record in contents.records if record.settled]
    known = {record.arm for record in settled}
    for arm in arms:
        if arm not in known:
            raise AuditionError(f"no run of '{arm}' has an outcome{choices(arm, known)}")
    found = [record for record in settled if not arms or record.arm in arms]
    if not found:
        raise AuditionError("no run has an outcome: there is nothing to export")
    return found


def replay(
    ledger: Ledger, records: Sequence[Record], to: str, say: Callable[[str], None]
) -> Iterator[tuple[Path, str]]:
    """Show `records` in the tracker `to`, one after the other; yields their folders, and how to look.

    Each run gets the page that training would have made, under its key. An existing page is
    rewritten, so a second export changes nothing.
    """
    make = factory(trackers()[to])
    make(Path()).check()
    for record in records:
        folder = ledger.folder_of(record)
        tracker = make(folder)
        behind = BackgroundTracker(to, tracker, say, PATIENCE)
        behind.begin(read_lines(folder))
        behind.end(record.status, summary(record))
        yield folder, tracker.look()


def summary(record: Record) -> dict[str, Any]:
    """The scalar facts of a record, without those that say only where it is kept."""
    plain = record.to_dict()
    single = {k: v for k, v in plain.items() if isinstance(v, str | int | float)}
    passing = ("schema", "pid", "host", "status")
    return {**{k: v for k, v in single.items() if k not in passing}, **plain["metrics"]}


def write_parquet(ledger: Ledger, records: Sequence[Record], folder: Path) -> tuple[Path, Path]:
    """`runs.parquet`, a row a run, and `metrics.parquet`, a row for each line of their metrics.

    Raises AuditionError without pandas and pyarrow, or where the files cannot be written.
    """
    runs = [{**summary(r), "status": r.status, "ideas": "+".join(r.ideas)} for r in records]
    named = ("key", "arm", "config_hash", "seed")
    lines = [
        {**{name: getattr(record, name) for name in named}, **line}
        for record in records
        for line in read_lines(ledger.folder_of(record))
    ]
    paths = (folder / "runs.parquet", folder / "metrics.parquet")
    tables = (as_parquet(runs), as_parquet(lines))
    with writing(f"in {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        for path, table in zip(paths, tables, strict=True):
            write_whole(path, table)
    return paths


def as_parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows as a file. Raises AuditionError without pandas and pyarrow."""
    try:
        pandas, _ = import_module("pandas"), import_module("pyarrow")
    except ImportError as error:
        raise AuditionError(
            f"parquet needs pandas and pyarrow, and {error.name} is missing: "
            "pip install 'audition[export]'"
        ) from None
    table: bytes = pandas.DataFrame(rows).to_parquet(index=False)
    return table
