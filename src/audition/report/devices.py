"""What benches of bundles said, as tables: devices, and apart from them the hosts of bundles."""

from collections.abc import Sequence

from audition.console import console, table
from audition.records.devices import DeviceRow
from audition.text import number

COLUMNS = (
    "processor",
    "run",
    "deploy",
    ">threads",
    "prompt",
    ">p50 ms",
    ">p95 ms",
    ">tokens/s",
    ">peak MB",
    "answers",
)


def show_devices(rows: Sequence[DeviceRow]) -> None:
    """A table of devices and one of hosts: a host's seconds say nothing of a device."""
    out = console(120)
    kinds = (
        ("device", "Devices"),
        ("host", "Hosts, the machines that made the bundles; no device is measured by them"),
    )
    for where, title in kinds:
        own = [row for row in rows if row.where == where]
        if own:
            out.print(f"{title}:")
            out.print(table(COLUMNS, [cells for row in own for cells in lines(row)]))
    if not rows:
        out.print("no bench is filed here: run bench.py of a bundle, then `audition edge add FILE`")


def lines(row: DeviceRow) -> list[tuple[str, ...]]:
    """The cells of a bench, a line for each size of a prompt."""
    peak = "–" if row.peak_bytes is None else f"{row.peak_bytes / 1e6:,.0f}"
    answers = "right" if row.logits_ok else f"off by {row.logits_off:.2g}"
    return [
        (
            row.processor,
            f"{row.arm}/{row.seed}",
            row.deploy,
            str(row.threads),
            f"{each.rows} × {each.tokens}",
            number(1e3 * each.p50_s, ".2f"),
            number(1e3 * each.p95_s, ".2f"),
            f"{each.tokens_per_s:,.0f}",
            peak,
            answers,
        )
        for each in row.latency
    ]
