"""Runs of a finished ledger for other tools: shown in a tracker, or as tables in CSV or Parquet."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from audition.config.groups import deciding
from audition.config.instantiate import factory
from audition.config.members import members
from audition.errors import AuditionError, choices, writing
from audition.plain_file import read_text, write_whole
from audition.records.metrics import read_lines
from audition.records.record import Record
from audition.records.store import Contents, Ledger
from audition.trackers.background import BackgroundTracker, Patience

SEED_LINE = re.compile(r"^seed: \d+\n", re.MULTILINE)
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


def write_tables(ledger: Ledger, records: Sequence[Record], folder: Path, to: str) -> list[Path]:
    """A table of the runs with every setting as a column, and one of the lines of their metrics.

    to: `csv` or `parquet`. Raises AuditionError for Parquet without pandas and pyarrow, and where the
    files cannot be written.
    """
    settings = Settings()
    runs = [
        {
            **summary(record),
            "status": record.status,
            "ideas": "+".join(record.ideas),
            **settings.of(ledger.folder_of(record)),
        }
        for record in records
    ]
    named = ("key", "arm", "config_hash", "seed")
    lines = [
        {**{name: getattr(record, name) for name in named}, **line}
        for record in records
        for line in read_lines(ledger.folder_of(record))
    ]
    tables = {"runs": TABLES[to](columns(runs)), "metrics": TABLES[to](columns(lines))}
    with writing(f"in {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            write_whole(folder / f"{name}.{to}", table)
    return [folder / f"{name}.{to}" for name in tables]


@dataclass(frozen=True)
class Settings:
    """The settings that runs have filed, each text read once: seeds of an arm share all but a line."""

    read: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, folder: Path) -> Mapping[str, Any]:
        """`{"optimizer.lr": 0.004, ...}` of the run in `folder`; empty where they cannot be read."""
        try:
            text = SEED_LINE.sub("", read_text(folder / "config.yaml"))
        except (OSError, UnicodeDecodeError):
            return {}
        if text not in self.read:
            try:
                plain = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            except (yaml.YAMLError, RecursionError):
                plain = {}
            passed = {group.name for group in deciding("words", "filing")}
            nodes = plain if isinstance(plain, Mapping) else {}
            kept = {key: node for key, node in nodes.items() if key not in passed}
            self.read[text] = dict(_flat(kept, ""))
        return self.read[text]


def _flat(node: Mapping[str, Any], where: str) -> Iterator[tuple[str, Any]]:
    """Every setting under its dotted key; an empty mapping is none."""
    for key, value in node.items():
        place = f"{where}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{place}.")
        else:
            yield place, value


def columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Column -> its value in each row, None where a row has none: numbers, flags, or all as text.

    A setting may be a number in one run and a word in another, and a column is of one kind.
    """
    table = {name: [row.get(name) for row in rows] for name in dict.fromkeys(chain(*rows))}
    for name, values in table.items():
        kinds = {type(value) for value in values if value is not None}
        if not (kinds <= {int, float} or kinds == {bool} or kinds == {str}):
            table[name] = [
                v if v is None or isinstance(v, str) else json.dumps(v, default=str) for v in values
            ]
    return table


def as_csv(table: Mapping[str, Sequence[Any]]) -> bytes:
    """The columns as a file, in UTF-8; what is missing is empty, flags are `true` and `false`."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table)
    shown: dict[object, object] = {None: "", True: "true", False: "false"}
    for row in zip(*table.values(), strict=True):
        writer.writerow([shown[v] if v is None or isinstance(v, bool) else v for v in row])
    return out.getvalue().encode("utf-8", "backslashreplace")


def as_parquet(table: Mapping[str, Sequence[Any]]) -> bytes:
    """The columns as a file. Raises AuditionError without pandas and pyarrow."""
    try:
        pandas, _ = import_module("pandas"), import_module("pyarrow")
    except ImportError as error:
        raise AuditionError(
            f"parquet needs pandas and pyarrow, and {error.name} is missing: "
            "pip install 'audition[export]', or choose csv"
        ) from None
    made: bytes = pandas.DataFrame(table).to_parquet(index=False)
    return made


TABLES: Mapping[str, Callable[[Mapping[str, Sequence[Any]]], bytes]] = {
    "csv": as_csv,
    "parquet": as_parquet,
}
"""Kind of file, and its ending -> what makes it."""
