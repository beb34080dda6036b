"""The runs of a ledger in the terminal: plain lines, quick to print and easy to grep."""

import sys
from collections.abc import Sequence
from math import nan

from audition.records.record import Record
from audition.records.store import Contents
from audition.text import UNDEFINED, duration, energy, plain_level

WORDS = ("arm", "config", "status", "started")
"""Columns that are aligned on the left."""
MOST = 4
"""Metrics that have a column; `audition runs --json` has them all."""


def show_runs(records: Sequence[Record]) -> None:
    """A line for every run, and under them the reasons of those that failed, and the runs' notes."""
    if records:
        from audition.answers.energy import NO_SOURCE, one_source  # with the statistics

        source, said = one_source(records)
        metered = source != NO_SOURCE
        metrics, units = _metrics(records), {r.unit for r in records}
        unit = units.pop() if len(units) == 1 else "units"
        first = ("arm", "config", "seed", "status", *metrics, unit, "time", "started")
        header = (*first, "energy") if metered else first
        cells = (_cells(r, metrics, named=unit == "units") for r in records)
        joules = (((_joules(r),) if metered else ()) for r in records)
        rows = [header, *(left + right for left, right in zip(cells, joules, strict=True))]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            print("  ".join(map(_aligned, header, row, widths)).rstrip())
        if said:
            print(said)
    for r in records:
        if r.reason:
            print(f"{r.arm} seed {r.seed} {r.status}: {r.reason}")
        for note in r.notes:
            print(f"{r.arm} seed {r.seed}: {note}")


def show_problems(contents: Contents) -> None:
    """Files in the ledger that are not usable records; they are left as they are."""
    for unreadable in contents.unreadable:
        print(f"audition: {unreadable}; it is left out.", file=sys.stderr)


def _metrics(records: Sequence[Record]) -> tuple[str, ...]:
    """The primary metric of each task, then its other measures, by the names that --metric takes."""
    primary = dict.fromkeys(r.primary for r in records)
    rest = dict.fromkeys(name for r in records for name in r.measures)
    return tuple(primary | rest)[: max(MOST, len(primary))]


def _cells(r: Record, metrics: Sequence[str], *, named: bool) -> tuple[str, ...]:
    return (
        r.arm,
        r.config_hash[:8],
        str(r.seed),
        r.status,
        *(plain_level(r.metrics.get(metric, nan), r.measure(metric)) for metric in metrics),
        f"{r.units:,} {r.unit}" if named else f"{r.units:,}",
        duration(r.seconds),
        r.started[:16].replace("T", " "),
    )


def _joules(r: Record) -> str:
    shared = f" (1/{r.energy_shared})" if r.energy_shared > 1 else ""
    return f"{energy(r.joules)}{shared}" if r.energy_meter else UNDEFINED


def _aligned(column: str, cell: str, width: int) -> str:
    return cell.ljust(width) if column in WORDS else cell.rjust(width)
