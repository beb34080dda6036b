"""Equal time from the ledger: what each arm had reached after the same seconds of training."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

from audition.answers import ArmRuns
from audition.measure import BEST, recorded
from audition.records.metrics import read_evaluations
from audition.records.record import Record
from audition.records.store import Ledger
from audition.stats.arms import Seed
from audition.stats.equal_time import Curve, EqualTime, equal_time
from audition.text import one, places


def timed_curves(ledger: Ledger, arm: ArmRuns) -> dict[Seed, Curve]:
    """Seed -> the metric as losses, against seconds of training, of the arm's finished runs.

    A step is taken to last the run's mean: `train_seconds` over `steps`. Runs without evaluations
    or without their timing are left out.
    """
    curves = {r.seed: _timed(ledger, arm, r) for r in arm.records if r.status == "finished"}
    return {seed: curve for seed, curve in curves.items() if curve is not None}


@dataclass(frozen=True)
class Stopwatch:
    """One baseline's curves, read once, to hold any number of arms against."""

    ledger: Ledger
    baseline: ArmRuns

    @cached_property
    def curves(self) -> dict[Seed, Curve]:
        """Seed -> curve of the baseline."""
        return timed_curves(self.ledger, self.baseline)

    def against(self, arm: ArmRuns, *, level: float = 0.95) -> EqualTime:
        """The arm per unit and per second; without curves, the reason why not."""
        theirs = timed_curves(self.ledger, arm.by(self.baseline.metric))
        found = equal_time(self.curves, theirs, level=level)
        return replace(found, unit=one(arm.unit), places=places(self.baseline.measure))


def _timed(ledger: Ledger, arm: ArmRuns, record: Record) -> Curve | None:
    if not (record.steps > 0 and record.train_seconds > 0):
        return None
    metric, how = arm.metric.removesuffix(BEST), arm.measure
    points = {
        int(line["step"] or 0): math.nan if value is None else how.as_loss(value)
        for line in read_evaluations(ledger.folder_of(record))
        for name, value in line.items()
        if recorded(name) == metric
    }
    if not points or not all(map(math.isfinite, points.values())):
        return None
    steps = sorted(points)
    a_step = record.train_seconds / record.steps
    return Curve(tuple(step * a_step for step in steps), tuple(points[step] for step in steps))
