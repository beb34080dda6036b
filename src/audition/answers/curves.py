"""What runs wrote as they trained: learning curves, effects' meters, and losses at equal time."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from audition.answers.arms import ArmRuns
from audition.measure import BEST, recorded
from audition.records.metrics import (
    BETWEEN,
    CONTROLS,
    METERS,
    TRAINING,
    UPDATES,
    Line,
    read_evaluations,
    read_lines,
    read_looks,
    units_of,
)
from audition.records.record import Record
from audition.records.store import Ledger
from audition.stats.arms import Seed
from audition.stats.equal_time import Curve as TimedCurve
from audition.stats.equal_time import EqualTime, equal_time
from audition.text import one, places

STEPS = recorded(TRAINING)
ADJUSTED = {
    recorded(UPDATES): "share of steps that updated",
    **{
        recorded(f"{CONTROLS}{name}_gain"): f"gain on {what}"
        for name, what in (
            ("lr", "the learning rate"),
            ("momentum", "momentum"),
            ("weight_decay", "weight decay"),
            ("dropout", "dropout"),
            ("anchor", "the pull of the anchor"),
        )
    },
}
"""What effects adjust besides tensors, as records name it -> in words."""


@dataclass(frozen=True)
class Curve:
    """A metric against the units trained on, both [points]; not-a-number where it diverged."""

    metric: str  # as records name it; `train_loss` for a run that was never evaluated
    units: tuple[int, ...]
    values: tuple[float, ...]  # in the metric's own direction and unit

    @property
    def is_between(self) -> bool:
        """Whether it is of the few rows that are looked at between evaluations."""
        return self.metric.startswith(recorded(BETWEEN))

    def at(self) -> dict[int, float]:
        """Units -> value."""
        return dict(zip(self.units, self.values, strict=True))


Curves = Mapping[str, Mapping[int, Curve]]
"""Config hash -> seed -> curve."""

Reading = Mapping[str, Mapping[int, float]]
"""Meter, as `limiter/gain` -> training units -> value; not-a-number where it was not finite."""

Readings = Mapping[str, Mapping[int, Reading]]
"""Config hash -> seed -> what that run wrote; runs without meters are left out."""


def series(
    lines: Iterable[Line], place: Callable[[Line], int] = units_of
) -> dict[str, dict[int, float]]:
    """Metric, as records name it -> place -> value; not-a-number where it was not finite."""
    found: dict[str, dict[int, float]] = {}
    for line in lines:
        for name, value in line.items():
            own = found.setdefault(recorded(name), {})
            own[place(line)] = math.nan if value is None else float(value)
    return found


def read_curve(folder: Path, metric: str) -> Curve | None:
    """The run's `metric` at each evaluation or, where only steps wrote it, at each logged step.

    Its training losses where it wrote no such metric; of a meter, nothing. For the best value of a
    metric, its value at each evaluation. None where there are none.
    """
    wanted = metric.removesuffix(BEST)
    instead = wanted if wanted.startswith(recorded(METERS)) else STEPS
    for name, read in ((wanted, read_evaluations), (wanted, read_lines), (instead, read_lines)):
        if found := sorted(series(read(folder)).get(name, {}).items()):
            return Curve(name, *zip(*found, strict=True))
    return None


def read_between(folder: Path, metric: str) -> Curve | None:
    """The run's `metric` on the few rows that were looked at between its evaluations.

    None where it was looked at less often than evaluated.
    """
    name = recorded(f"{BETWEEN}{metric.removesuffix(BEST)}")
    found = sorted(series(read_looks(folder)).get(name, {}).items())
    evaluated = len(read_evaluations(folder)) if found else 0
    return Curve(name, *zip(*found, strict=True)) if len(found) > evaluated else None


def read_curves(ledger: Ledger, arms: Iterable[ArmRuns]) -> Curves:
    """The curves of every settled run of these arms, with the most points that all of them have.

    Looks at a few rows, where all runs were looked at so, else the evaluations: on other rows the
    level is another.
    """
    arms = list(arms)
    return _curves(ledger, arms, read_between, whole=True) or _curves(ledger, arms, read_curve)


def _curves(
    ledger: Ledger,
    arms: Iterable[ArmRuns],
    read: Callable[[Path, str], Curve | None],
    *,
    whole: bool = False,
) -> dict[str, dict[int, Curve]]:
    """The curves of the settled runs; none where a finished one lacks it and they must be `whole`."""
    found: dict[str, dict[int, Curve]] = {}
    for arm in arms:
        own = found.setdefault(arm.config_hash, {})
        for record in arm.records:
            if record.settled and (curve := read(ledger.folder_of(record), arm.metric)):
                own[record.seed] = curve
            elif whole and record.status == "finished":
                return {}
    return found


def read_meters(ledger: Ledger, arms: Iterable[ArmRuns]) -> Readings:
    """The meters that effects wrote in every settled run of these arms.

    Before them what `ADJUSTED` names, of every arm, where some run has it otherwise than another.
    """
    wrote: dict[tuple[str, int], dict[str, dict[int, float]]] = {}
    for arm in arms:
        for record in arm.records:
            if record.settled:
                wrote[arm.config_hash, record.seed] = series(read_lines(ledger.folder_of(record)))
    told = {name: title for name, title in ADJUSTED.items() if _differs(name, wrote.values())}
    meters = recorded(METERS)
    found: dict[str, dict[int, Reading]] = {}
    for (config_hash, seed), each in wrote.items():
        own = {title: each[name] for name, title in told.items() if name in each}
        own |= {n.removeprefix(meters): s for n, s in each.items() if n.startswith(meters)}
        if own:
            found.setdefault(config_hash, {})[seed] = own
    return found


def _differs(name: str, runs: Iterable[Mapping[str, Mapping[int, float]]]) -> bool:
    """Whether two runs have another value of `name` at the same units."""
    seen: dict[int, float] = {}
    return any(
        seen.setdefault(units, value) != value
        for each in runs
        for units, value in each.get(name, {}).items()
    )


@dataclass(frozen=True)
class Stopwatch:
    """A baseline's curves over training seconds, read once and compared with any number of arms."""

    ledger: Ledger
    baseline: ArmRuns

    @cached_property
    def curves(self) -> dict[Seed, TimedCurve]:
        """Seed -> curve of the baseline."""
        return timed_curves(self.ledger, self.baseline)

    def against(self, arm: ArmRuns, *, level: float = 0.95) -> EqualTime:
        """The arm per unit and per second; without curves, the reason why not."""
        theirs = timed_curves(self.ledger, arm.by(self.baseline.metric))
        found = equal_time(self.curves, theirs, level=level)
        return replace(found, unit=one(arm.unit), places=places(self.baseline.measure))


def timed_curves(ledger: Ledger, arm: ArmRuns) -> dict[Seed, TimedCurve]:
    """Seed -> the metric as losses, against seconds of training, of the arm's finished runs.

    Every step is taken to last the run's mean: `train_seconds` over `steps`. Runs without
    evaluations or without their timing are left out.
    """
    curves = {r.seed: _timed(ledger, arm, r) for r in arm.records if r.status == "finished"}
    return {seed: curve for seed, curve in curves.items() if curve is not None}


def _timed(ledger: Ledger, arm: ArmRuns, record: Record) -> TimedCurve | None:
    if not (record.steps > 0 and record.train_seconds > 0):
        return None
    lines = read_evaluations(ledger.folder_of(record))
    by_step = series(lines, lambda line: int(line["step"] or 0))
    found = dict(sorted(by_step.get(arm.metric.removesuffix(BEST), {}).items()))
    if not found or not all(map(math.isfinite, found.values())):
        return None
    a_step = record.train_seconds / record.steps
    losses = map(arm.measure.as_loss, found.values())
    return TimedCurve(tuple(step * a_step for step in found), tuple(losses))
