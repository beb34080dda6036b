"""Runs under way: their last values, and how those compare with the baseline's at the same units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isnan, nan
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from audition.answers.campaign import RunState, state_of
from audition.measure import Measure, recorded
from audition.records.metrics import (
    CONTROLS,
    METERS,
    TRAINING,
    UPDATES,
    Line,
    MetricsCache,
    units_of,
)
from audition.records.record import BASELINE, Record
from audition.records.registration import Registration
from audition.records.store import Ledger
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
        if isnan(self.sd):
            return f"{number(value, form)} ({number(self.mean, form)})"
        off = value - self.mean
        word = "in" if abs(off) <= self.sd else "below" if off < 0 else "above"
        return f"{number(value, form)} {word} {number(self.mean, form)} ± {number(self.sd, form)}"


NO_BAND = Band(nan, nan, 0)


@dataclass(frozen=True)
class Latest:
    """The last value of each name that a run has written, and at how many units."""

    units: Mapping[str, int]
    values: Mapping[str, float]

    def meters(self) -> dict[str, float]:
        """The effects' own, by effect and meter (`limiter/gain`), after what they have adjusted.

        That is the share of steps that updated and the gains on momentum, decay and dropout, where
        they are not 1; the rate's gain is the schedule's as well.
        """
        adjusted = {
            name.removeprefix(CONTROLS): value
            for name, value in self.values.items()
            if name == UPDATES or (name.startswith(CONTROLS) and name.endswith("_gain"))
        }
        own = {n.removeprefix(METERS): v for n, v in self.values.items() if n.startswith(METERS)}
        return {n: v for n, v in adjusted.items() if v != 1.0 and n != "lr_gain"} | own


@dataclass(frozen=True)
class LiveRun:
    """A run under way, and where its values stand in the baseline's band."""

    state: RunState
    latest: Latest
    measure: Measure  # of its task's primary metric
    held_out: str  # that metric's name in its lines; empty before the first evaluation
    bands: Mapping[str, Band]  # by the lines' names, the training loss among them

    def value(self, name: str) -> float:
        """The last one written; not-a-number before the first."""
        return self.latest.values.get(name, nan)

    def beside(self, name: str, form: str = ".3f") -> str:
        """The last value, and where it stands in the baseline's band."""
        return self.bands.get(name, NO_BAND).beside(self.value(name), form)

    def to_dict(self) -> dict[str, Any]:
        """As data."""
        return {
            **self.state.to_dict(),
            "values": {n: self.value(n) for n in self.bands if self.value(n) == self.value(n)},
            "baseline": {
                n: {"mean": b.mean, "runs": b.runs} for n, b in self.bands.items() if b.runs
            },
            "meters": self.latest.meters(),
        }


def live_runs(states: Sequence[RunState], ledger: Ledger, cache: MetricsCache) -> list[LiveRun]:
    """The runs of `states` that a process is training, each beside the other seeds of the baseline."""
    baseline = [ledger.folder_of(s.record) for s in states if s.arm == BASELINE and s.record]
    return [
        _live(state, state.record, baseline, ledger.folder_of(state.record), cache)
        for state in states
        if state.word == "running"
        and state.record is not None
        and ledger.claimed(ledger.folder_of(state.record))
    ]


def _live(
    state: RunState, record: Record, baseline: Sequence[Path], own: Path, cache: MetricsCache
) -> LiveRun:
    others = [folder for folder in baseline if folder != own]
    now = latest(cache.lines(own))
    held_out = next((name for name in now.values if recorded(name) == record.primary), "")
    bands = {
        name: band(cache, others, name, now.units.get(name, -1))
        for name in (TRAINING, held_out)
        if name
    }
    return LiveRun(state, now, record.measure(record.primary), held_out, bands)


def latest(lines: Sequence[Line]) -> Latest:
    """The last of each value in these lines."""
    units: dict[str, int] = {}
    values: dict[str, float] = {}
    for line in lines:
        for name, value in line.items():
            values[name] = nan if value is None else value
            units[name] = units_of(line)
    return Latest(units, values)


def band(cache: MetricsCache, folders: Sequence[Path], name: str, units: int) -> Band:
    """Mean and spread over the runs in `folders` that wrote the value `name` at exactly `units`."""
    found = [
        value
        for folder in folders
        for line in cache.lines(folder)
        if units_of(line) == units and (value := line.get(name)) is not None
    ]
    if not found:
        return NO_BAND
    return Band(fmean(found), stdev(found) if len(found) > 1 else nan, len(found))


def unplanned_runs(plan: Registration, ledger: Ledger) -> list[RunState]:
    """Runs under way that `plan` does not name: those of a search, or of another sweep."""
    hashes = {plan.baseline_hash, *(arm.config_hash for arm in plan.arms)}
    now = datetime.now(UTC)
    return [
        state_of(r.arm, r, ledger.folder_of(r), None, None, now)
        for r in ledger.read().records
        if r.status == "running" and r.config_hash not in hashes
    ]
