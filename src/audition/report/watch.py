"""A sweep under way as one picture, from the ledger alone: who runs, how well, and how long still."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import nan
from statistics import fmean, stdev
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from audition.ledger.record import BASELINE
from audition.ledger.registration import Registration
from audition.ledger.store import Ledger
from audition.report.band import Band, Latest, Shelf
from audition.report.campaign import WORDS, RunState, seconds_left, state_of, tally
from audition.report.words import count, number, roughly

MOST = 24
"""Runs under way that are shown; of more there is a number."""


@dataclass(frozen=True)
class Sight:
    """A run under way, and where its losses stand in the baseline's band."""

    state: RunState
    latest: Latest
    train: Band
    held_out: Band

    def loss(self, measure: str) -> float:
        """The last one written; not-a-number before the first."""
        return self.latest.values.get(measure, nan)

    def to_dict(self) -> dict[str, Any]:
        """As data."""
        bands = {"train/loss": self.train, "val/loss": self.held_out}
        return {
            **self.state.to_dict(),
            "losses": {m: self.loss(m) for m in bands if self.loss(m) == self.loss(m)},
            "baseline": {m: {"mean": b.mean, "runs": b.runs} for m, b in bands.items() if b.runs},
            "meters": self.latest.meters(),
        }


def sights(states: Sequence[RunState], ledger: Ledger, shelf: Shelf) -> list[Sight]:
    """The runs of `states` that a process is at, each beside the other seeds of the baseline."""
    baseline = [ledger.folder_of(s.record) for s in states if s.arm == BASELINE and s.record]
    found = []
    for state in states:
        if state.word != "running" or state.record is None:
            continue
        own = ledger.folder_of(state.record)
        if ledger.claimed(own):
            latest, others = shelf.latest(own), [folder for folder in baseline if folder != own]
            train, held_out = (
                shelf.band(others, measure, latest.tokens.get(measure, -1))
                for measure in ("train/loss", "val/loss")
            )
            found.append(Sight(state, latest, train, held_out))
    return found


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
    parts.append(_arms(states))
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


def _arms(states: Sequence[RunState]) -> Table:
    counts = tally(states)
    used = [word for word in WORDS if any(each[word] for each in counts.values())]
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("arm", overflow="fold")
    for word in used:
        table.add_column(word, justify="right")
    table.add_column("held-out loss")
    for arm, each in counts.items():
        table.add_row(Text(arm), *(str(each[word] or "–") for word in used), _ended(arm, states))
    return table


def _ended(arm: str, states: Sequence[RunState]) -> str:
    """Mean and spread of the finished runs."""
    records = [s.record for s in states if s.arm == arm and s.word == "finished" and s.record]
    losses = [r.metrics["val_loss"] for r in records if "val_loss" in r.metrics]
    if not losses:
        return "–"
    spread = f" ± {number(stdev(losses))}" if len(losses) > 1 else ""
    return f"{number(fmean(losses))}{spread}"


def _running(running: Sequence[Sight]) -> Table:
    read = [sight.latest.meters() for sight in running]
    meters = list(dict.fromkeys(name for each in read for name in each))
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("running", overflow="fold")
    for heading in ("", "training loss", "held-out loss", *meters):
        table.add_column(heading)
    for sight, metered in zip(running, read, strict=True):
        table.add_row(
            Text(f"{sight.state.arm} seed {sight.state.seed}"),
            Text(sight.state.detail),
            sight.train.beside(sight.loss("train/loss")),
            sight.held_out.beside(sight.loss("val/loss")),
            *(number(metered.get(name, nan), ".3g") for name in meters),
        )
    return table
