"""The runs of a ledger in the terminal: plain lines, quick to print and easy to grep."""

import sys
from collections.abc import Sequence
from math import nan

from audition.ledger.record import Record
from audition.ledger.store import Contents
from audition.report.meters import NONE, one_source
from audition.report.words import UNDEFINED, duration, energy, number

HEADER = ("arm", "config", "seed", "status", "val loss", "bits/byte", "tokens", "time", "started")
NUMBERS = frozenset({"seed", "val loss", "bits/byte", "tokens", "time", "energy"})
"""Columns that are aligned on the right."""


def show_runs(records: Sequence[Record]) -> None:
    """A line for every run, and under them why those ended that did not end well, and what befell."""
    if records:
        source, said = one_source(records)
        metered = source != NONE
        header = (*HEADER, "energy") if metered else HEADER
        rows = [header, *(_cells(r) + ((_joules(r),) if metered else ()) for r in records)]
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


def _cells(r: Record) -> tuple[str, ...]:
    return (
        r.arm,
        r.config_hash[:8],
        str(r.seed),
        r.status,
        number(r.metrics.get("val_loss", nan)),
        number(r.metrics.get("val_bpb", nan)),
        f"{r.units:,}",
        duration(r.seconds),
        r.started[:16].replace("T", " "),
    )


def _joules(r: Record) -> str:
    shared = f" (1/{r.energy_shared})" if r.energy_shared > 1 else ""
    return f"{energy(r.joules)}{shared}" if r.energy_meter else UNDEFINED


def _aligned(column: str, cell: str, width: int) -> str:
    return cell.rjust(width) if column in NUMBERS else cell.ljust(width)
