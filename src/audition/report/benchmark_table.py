"""A benchmark as a table: the five measures of every arm, mean and standard deviation."""

from collections.abc import Sequence
from textwrap import fill

from rich.text import Text

from audition.answers.benchmark import Benchmark, Spread
from audition.console import console, table
from audition.measure import Measure
from audition.report.terminal import COLOURS
from audition.text import UNDEFINED, capital, direction, number, places

NARROW = 16
"""Characters of a heading's line in the terminal."""


def show_benchmarks(found: Sequence[Benchmark]) -> None:
    """A table for each set."""
    out = console(120)
    for place, each in enumerate(found):
        if place:
            out.print()
        out.print(Text(caption(each)))
        left, right = headings(each)[:2], headings(each)[2:]
        rows: list[Sequence[str | Text]] = [
            (name, Text(verdict, COLOURS.get(verdict, "")), *cells)
            for name, verdict, *cells in lines(each)
        ]
        out.print(table((*left, *(f">{fill(name, NARROW)}" for name in right)), rows))
        for remark in each.remarks:
            out.print(Text(f"{capital(remark).rstrip('.')}.", "yellow"))


def caption(found: Benchmark) -> str:
    """`fashion, classification: baseline 1a2b3c4d, judged by ...`"""
    how = found.columns[found.metric]
    return (
        f"{found.data}: baseline {found.baseline[:8]}, judged by {how.label} ({direction(how)}); "
        "mean ± standard deviation over seeds"
    )


def headings(found: Benchmark) -> tuple[str, ...]:
    """The columns, each with its unit."""
    named = (f"{how.label} [{how.unit}]".removesuffix(" []") for how in found.columns.values())
    return ("arm", "verdict", "n", *named)


def lines(found: Benchmark) -> tuple[tuple[str, ...], ...]:
    """The cells of each arm; runs that diverged are counted and have no values."""
    return tuple(
        (
            entry.arm,
            entry.verdict,
            f"{entry.n}" + (f" + {entry.diverged} diverged" if entry.diverged else ""),
            *(_cell(spread, found.columns[name]) for name, spread in entry.values.items()),
        )
        for entry in found.entries
    )


def _cell(spread: Spread, how: Measure) -> str:
    if spread.mean != spread.mean:
        return UNDEFINED
    form = f".{places(how)}f" if how.unit not in ("s", "MB", "") else ".1f" if how.unit else ".0f"
    beside = "" if spread.sd != spread.sd else f" ± {number(spread.sd, form)}"
    return number(spread.mean, f"z{form}") + beside
