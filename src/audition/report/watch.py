"""A sweep under way as one picture, from the ledger alone: who runs, how well, and how long still."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import nan
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from audition.answers.band import NOTHING, Band, Latest, band, latest
from audition.answers.campaign import WORDS, RunState, seconds_left, state_of, tally
from audition.measure import Measure, recorded
from audition.records.metrics import TRAINING, Line, MetricsCache
from audition.records.record import BASELINE, Record
from audition.records.registration import Registration
from audition.records.store import Ledger
from audition.text import axis, count, number, places, plain_level, roughly

MOST = 24
"""Runs under way that are shown; of more there is a number."""


@dataclass(frozen=True)
class Sight:
    """A run under way, and where its values stand in the baseline's band."""

    state: RunState
    latest: Latest
    measure: Measure  # of its task's primary metric
    held_out: str  # what its lines call that metric; empty before the first evaluation
    bands: Mapping[str, Band]  # by the lines' names, the training loss among them

    def value(self, name: str) -> float:
        """The last one written; not-a-number before the first."""
        return self.latest.values.get(name, nan)

    def beside(self, name: str, form: str = ".3f") -> str:
        """The last value, and where it stands in the baseline's band."""
        return self.bands.get(name, NOTHING).beside(self.value(name), form)

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


def sights(states: Sequence[RunState], ledger: Ledger, cache: MetricsCache) -> list[Sight]:
    """The runs of `states` that a process is at, each beside the other seeds of the baseline."""
    baseline = [ledger.folder_of(s.record) for s in states if s.arm == BASELINE and s.record]
    found = []
    for state in states:
        if state.word != "running" or state.record is None:
            continue
        own = ledger.folder_of(state.record)
        if ledger.claimed(own):
            found.append(_sight(state, state.record, cache.lines(own), baseline, own, cache))
    return found


def _sight(
    state: RunState,
    record: Record,
    lines: Sequence[Line],
    baseline: Sequence[Path],
    own: Path,
    cache: MetricsCache,
) -> Sight:
    others = [folder for folder in baseline if folder != own]
    now = latest(lines)
    held_out = next((name for name in now.values if recorded(name) == record.primary), "")
    bands = {
        name: band(cache, others, name, now.units.get(name, -1))
        for name in (TRAINING, held_out)
        if name
    }
    return Sight(state, now, record.measure(record.primary), held_out, bands)


def strays(plan: Registration, ledger: Ledger) -> list[RunState]:
    """Runs under way that `plan` does not name: those of a search, or of another sweep."""
    hashes = {plan.baseline_hash, *(arm.config_hash for arm in plan.arms)}
    now = datetime.now(UTC)
    return [
        state_of(r.arm, r, ledger.folder_of(r), None, None, now)
        for r in ledger.read().records
        if r.status == "running" and r.config_hash not in hashes
    ]


def picture(plan: Registration, states: Sequence[RunState], running: Sequence[Sight]) -> Group:
    """All of it."""
    parts: list[Any] = [Text(f"plan {plan.digest()}  {plan.command}", style="dim", no_wrap=True)]
    parts.append(_arms(states, plan.metric))
    if running:
        parts += [Text(), _running(running[:MOST])]
    if len(running) > MOST:
        parts.append(Text(f"... and {count(len(running) - MOST, 'run')} more"))
    seen = {id(sight.state) for sight in running}
    for state in states:
        name = f"{state.arm} seed {state.seed}"
        if state.word in ("failed", "interrupted", "diverged"):
            parts.append(Text(f"{name} {state.word}: {state.detail}"))
        elif state.word == "running" and id(state) not in seen:
            parts.append(Text(f"{name} was lost while it ran: its process is gone"))
    left = seconds_left(states)
    if left is not None:
        parts.append(Text(f"about {roughly(left)} left", style="bold"))
    return Group(*parts)


def _arms(states: Sequence[RunState], metric: str) -> Table:
    counts = tally(states)
    used = [word for word in WORDS if any(each[word] for each in counts.values())]
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("arm", overflow="fold")
    for word in used:
        table.add_column(word, justify="right")
    table.add_column(escape(_heading([s.record.measure(metric) for s in states if s.record])))
    for arm, each in counts.items():
        ended = _ended([s for s in states if s.arm == arm], metric)
        table.add_row(Text(arm), *(str(each[word] or "–") for word in used), ended)
    return table


def _heading(measures: Sequence[Measure]) -> str:
    """What is measured, where it is one thing."""
    named = {axis(measure) for measure in measures}
    return named.pop() if len(named) == 1 else "held out"


def _ended(states: Sequence[RunState], metric: str) -> str:
    """Mean and spread of the finished runs."""
    records = [s.record for s in states if s.word == "finished" and s.record]
    values = [r.metrics[metric] for r in records if metric in r.metrics]
    if not values:
        return "–"
    how = records[0].measure(metric)
    spread = f" ± {plain_level(stdev(values), how)}" if len(values) > 1 else ""
    return f"{plain_level(fmean(values), how)}{spread}"


def _running(running: Sequence[Sight]) -> Table:
    read = [sight.latest.meters() for sight in running]
    meters = list(dict.fromkeys(name for each in read for name in each))
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("running", overflow="fold")
    held_out = _heading([sight.measure for sight in running])
    for heading in ("", "training loss", held_out, *meters):
        table.add_column(escape(heading))
    for sight, metered in zip(running, read, strict=True):
        table.add_row(
            Text(f"{sight.state.arm} seed {sight.state.seed}"),
            Text(sight.state.detail),
            sight.beside(TRAINING),
            sight.beside(sight.held_out, f".{min(3, places(sight.measure))}f"),
            *(number(metered.get(name, nan), ".3g") for name in meters),
        )
    return table
