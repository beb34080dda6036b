"""The baseline's band: what its runs had come to at the same units, for runs that are under way."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

from audition.records.metrics import METERS, Line, MetricsCache, units_of
from audition.text import number


@dataclass(frozen=True)
class Band:
    """Values of the baseline's runs at one number of units, in the unit of what is measured."""

    mean: float
    sd: float  # not-a-number for a single run
    runs: int

    def beside(self, value: float, form: str = ".3f") -> str:
        """`2.013 below 2.100 ± 0.010`: a value, and where it stands."""
        if not self.runs:
            return number(value, form)
        if math.isnan(self.sd):
            return f"{number(value, form)} ({number(self.mean, form)})"
        off = value - self.mean
        word = "in" if abs(off) <= self.sd else "below" if off < 0 else "above"
        return f"{number(value, form)} {word} {number(self.mean, form)} ± {number(self.sd, form)}"


NOTHING = Band(math.nan, math.nan, 0)


@dataclass(frozen=True)
class Latest:
    """The last that a run has written of each value, and at how many units."""

    units: dict[str, int]
    values: dict[str, float]

    def meters(self) -> dict[str, float]:
        """The effects' own, by effect and meter: `limiter/gain`."""
        return {n.removeprefix(METERS): v for n, v in self.values.items() if n.startswith(METERS)}


def latest(lines: Sequence[Line]) -> Latest:
    """Where a run stands."""
    units: dict[str, int] = {}
    values: dict[str, float] = {}
    for line in lines:
        for name, value in line.items():
            values[name] = math.nan if value is None else value
            units[name] = units_of(line)
    return Latest(units, values)


def band(cache: MetricsCache, folders: Sequence[Path], name: str, units: int) -> Band:
    """Of those runs that wrote the value `name` at just so many units."""
    found = [
        value
        for folder in folders
        for line in cache.lines(folder)
        if units_of(line) == units and (value := line.get(name)) is not None
    ]
    if not found:
        return NOTHING
    return Band(fmean(found), stdev(found) if len(found) > 1 else math.nan, len(found))
