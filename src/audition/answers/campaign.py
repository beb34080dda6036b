"""The state of every run of a plan, from the ledger and a cluster's queue."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from audition.records.metrics import Line, last_line, units_of
from audition.records.races import RACES
from audition.records.record import BASELINE, OVER, Record
from audition.records.registration import Registration
from audition.records.store import Ledger
from audition.text import level, roughly

DROPPED = "dropped"
"""The state of a run that a race left out."""
WORDS = (
    "finished", "running", "queued", "interrupted", "failed", "diverged", "not started", DROPPED
)  # fmt: skip


@dataclass(frozen=True)
class RunState:
    """One run of a plan: its state, a word of WORDS, and a detail."""

    arm: str
    seed: int
    word: str
    detail: str = ""
    seconds_left: float | None = None  # of a running run; None where unknown
    record: Record | None = None

    def to_dict(self) -> dict[str, Any]:
        """As data."""
        plain = {"arm": self.arm, "seed": self.seed, "status": self.word, "detail": self.detail}
        return plain | {"seconds_left": self.seconds_left}


def campaign(
    plan: Registration,
    ledger: Ledger,
    records: Sequence[Record],
    queued: Mapping[str, str],
    *,
    now: datetime | None = None,
) -> list[RunState]:
    """The state of every run of `plan`, the baseline's first.

    queued: folder of a run below `runs/` -> why its job waits, for runs that wait in a queue.
    """
    filed = {(r.config_hash, r.seed): r for r in records}
    wanted = [(BASELINE, plan.baseline_hash, seed) for seed in plan.baseline_seeds]
    wanted += [(arm.name, arm.config_hash, seed) for arm in plan.arms for seed in arm.seeds]
    finished: dict[str, list[float]] = {}
    for r in records:
        if r.status == "finished":
            finished.setdefault(r.config_hash, []).append(r.seconds)
    usual = {config_hash: fmean(seconds) for config_hash, seconds in finished.items()}
    now = now or datetime.now(UTC)
    race = RACES.get(ledger.root, plan.baseline_hash) if plan.judged_on else None
    dropped = {turn.config_hash for turn in race.turns if turn.action == "drop"} if race else set()
    states = []
    for arm, config_hash, seed in wanted:
        record = filed.get((config_hash, seed))
        if record is None:
            word = DROPPED if config_hash in dropped else "not started"
            states.append(RunState(arm, seed, word))
            continue
        waits = queued.get(ledger.place_of(record)) if queued else None
        states.append(
            state_of(arm, record, ledger.folder_of(record), waits, usual.get(config_hash), now)
        )
    return states


def state_of(
    arm: str, record: Record, folder: Path, waits: str | None, usual: float | None, now: datetime
) -> RunState:
    """The state of a run that has a record; `usual` is the time that runs of its arm take [s]."""
    seed = record.seed
    if record.over:
        value, how = record.metrics.get(record.primary), record.measure(record.primary)
        said = record.reason or ("" if value is None else f"{how.label} {level(value, how)}")
        return RunState(arm, seed, record.status, said, record=record)
    if waits is not None:
        again = last_line(folder).get("step")
        goes_on = f"goes on from about step {again}" if again else ""
        said = ", ".join(filter(None, (waits, goes_on)))
        return RunState(arm, seed, "queued", said, record=record)
    if record.status != "running":
        return RunState(arm, seed, record.status, record.reason, record=record)
    line = last_line(folder)
    step, share = line.get("step", 0), fraction(record, line, now)
    left = None
    if share:
        whole = usual or (now - datetime.fromisoformat(record.started)).total_seconds() / share
        left = max(0.0, (1.0 - share) * whole)
    estimate = "" if left is None else f", {share:.0%}, about {roughly(left)} left"
    return RunState(arm, seed, "running", f"step {step}{estimate} on {record.host}", left, record)


def fraction(record: Record, line: Line, now: datetime) -> float | None:
    """The share of its budget that a running run had spent at that line of its metrics."""
    budget = record.budget
    if budget.get("minutes"):
        spent = (now - datetime.fromisoformat(record.started)).total_seconds() / 60.0
        return min(1.0, spent / float(budget["minutes"]))
    done = {"steps": line.get("step"), record.unit: units_of(line)}
    for unit, spent_units in done.items():
        if budget.get(unit) and spent_units:
            return min(1.0, float(spent_units) / float(budget[unit]))
    return None


def tally(states: Sequence[RunState]) -> dict[str, Counter[str]]:
    """Arm -> how many of its runs are in each state, in the order of the plan."""
    counts: dict[str, Counter[str]] = {}
    for state in states:
        counts.setdefault(state.arm, Counter())[state.word] += 1
    return counts


def is_over(states: Sequence[RunState]) -> bool:
    """Whether every run has an outcome or a failure, or was left out."""
    return all(state.word in OVER or state.word == DROPPED for state in states)


def seconds_left(states: Sequence[RunState]) -> float | None:
    """Seconds until the last run ends, with as many at once as now; None where unknown."""
    running = [s.seconds_left for s in states if s.word == "running"]
    waiting = sum(state.word in ("queued", "interrupted", "not started") for state in states)
    known = [left for left in running if left is not None]
    took = [s.record.seconds for s in states if s.record and s.word == "finished"]
    if not running or len(known) < len(running) or (waiting and not took):
        return None
    rest = waiting * fmean(took) if waiting else 0.0
    return max(max(known), (sum(known) + rest) / len(running))
