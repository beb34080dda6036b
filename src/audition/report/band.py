"""The baseline's band: what its runs had lost at the same tokens, for runs that are under way."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev

from audition.report.words import number
from audition.trackers.tracker import METERS, Line, read_lines, units_of

LOSSES = ("train/loss", "val/loss")


@dataclass(frozen=True)
class Band:
    """Losses of the baseline's runs at one number of tokens [nats/token]."""

    mean: float
    sd: float  # not-a-number for a single run
    runs: int

    def beside(self, loss: float) -> str:
        """`2.013 below 2.100 ± 0.010`: a loss, and where it stands."""
        if not self.runs:
            return number(loss, ".3f")
        if math.isnan(self.sd):
            return f"{number(loss, '.3f')} ({number(self.mean, '.3f')})"
        off = loss - self.mean
        word = "in" if abs(off) <= self.sd else "below" if off < 0 else "above"
        return f"{number(loss, '.3f')} {word} {number(self.mean, '.3f')} ± {number(self.sd, '.3f')}"


@dataclass(frozen=True)
class Latest:
    """The last that a run has written of each value, and at how many tokens."""

    tokens: dict[str, int]
    values: dict[str, float]

    def meters(self) -> dict[str, float]:
        """The effects' own, by effect and meter: `limiter/gain`."""
        return {n.removeprefix(METERS): v for n, v in self.values.items() if n.startswith(METERS)}


@dataclass
class Shelf:
    """`metrics.jsonl` of runs, each read again only when it has grown."""

    read: dict[Path, tuple[int, list[Line]]] = field(default_factory=dict)

    def lines(self, folder: Path) -> list[Line]:
        """The lines so far."""
        try:
            size = (folder / "metrics.jsonl").stat().st_size
        except OSError:
            return []
        if folder not in self.read or self.read[folder][0] != size:
            self.read[folder] = (size, read_lines(folder))
        return self.read[folder][1]

    def latest(self, folder: Path) -> Latest:
        """Where the run stands."""
        tokens: dict[str, int] = {}
        values: dict[str, float] = {}
        for line in self.lines(folder):
            for name, value in line.items():
                values[name] = math.nan if value is None else value
                tokens[name] = units_of(line)
        return Latest(tokens, values)

    def band(self, folders: Sequence[Path], measure: str, tokens: int) -> Band:
        """Of those runs that wrote `measure` at just so many tokens."""
        found = [
            value
            for folder in folders
            for line in self.lines(folder)
            if units_of(line) == tokens and (value := line.get(measure)) is not None
        ]
        if not found:
            return Band(math.nan, math.nan, 0)
        return Band(fmean(found), stdev(found) if len(found) > 1 else math.nan, len(found))
