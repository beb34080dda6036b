"""Costs of arms as rows: what is measured, what is exact, in tables of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from audition.amount import Amount, Method
from audition.console import console, table
from audition.costs.blocks import Timed
from audition.text import number


@dataclass(frozen=True)
class Row:
    """One cost of one arm, and its multiple of the first arm's where that was measured beside it."""

    arm: str
    cost: str
    amount: Amount
    ratio: tuple[float, float, float] | None = None  # the median and its interval

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON can hold it."""
        return asdict(self)


def timed_rows(cost: str, found: Mapping[str, Timed], units: int) -> list[Row]:
    """Latencies and throughputs of arms that were timed in the same blocks, against the first."""
    base = next(iter(found.values()))
    rows = []
    for arm, timed in found.items():
        told = timed.ratio(base)
        ratio = (told.median, told.low, told.high)
        for name, amount in timed.amounts(units).items():
            of_median = name == "latency_p50" and timed is not base
            rows.append(Row(arm, f"{cost} {name}", amount, ratio if of_median else None))
    return rows


def counted_rows(arm: str, costs: Mapping[str, Amount], base: Mapping[str, Amount]) -> list[Row]:
    """Costs without a spread; a multiple of the first arm's where that has the same."""
    rows = []
    for name, amount in costs.items():
        other = base.get(name)
        ratio = None
        if other is not None and other is not amount and other.value:
            times = amount.over(other)
            ratio = (times, times, times)
        rows.append(Row(arm, name, amount, ratio))
    return rows


def show_costs(rows: Sequence[Row]) -> None:
    """A table for each method."""
    out = console(120)
    methods: dict[Method, list[Row]] = {}
    for row in rows:
        methods.setdefault(row.amount.method, []).append(row)
    for method, own in methods.items():
        out.print(f"{method}:")
        cells = [(r.cost, r.arm, _number(r.amount.value), r.amount.unit, _ratio(r)) for r in own]
        out.print(table(("cost", "arm", ">amount", "unit", "of the first arm's"), cells))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1e4 else number(value, ".3f")


def _ratio(row: Row) -> str:
    if row.ratio is None:
        return ""
    median, low, high = row.ratio
    return f"{median:.3f} ×" + (f" ({low:.3f} to {high:.3f})" if low < high else "")
