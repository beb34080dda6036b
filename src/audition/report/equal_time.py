"""Equal time from the ledger: what each arm had reached after the same seconds of training."""

import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from audition.judge import ArmRuns
from audition.ledger.record import Record
from audition.ledger.store import Ledger
from audition.stats.arms import Seed
from audition.stats.equal_time import Curve, EqualTime, equal_time

VALIDATION = '"val/loss"'


def timed_curves(ledger: Ledger, arm: ArmRuns) -> dict[Seed, Curve]:
    """Seed -> validation losses against seconds of training, of the arm's finished runs.

    A step is taken to last the run's mean: `train_seconds` over `steps`. Runs without evaluations
    or without their timing are left out.
    """
    curves = {r.seed: _timed(ledger.folder_of(r), r) for r in arm.records if r.status == "finished"}
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
        """The arm per token and per second; without curves, the reason why not."""
        return equal_time(self.curves, timed_curves(self.ledger, arm), level=level)


def _timed(folder: Path, record: Record) -> Curve | None:
    if not (record.steps > 0 and record.train_seconds > 0):
        return None
    points: dict[int, float] = {}
    try:
        with (folder / "metrics.jsonl").open(encoding="utf-8") as lines:
            for text in lines:
                if VALIDATION in text:  # most lines are steps, and parsing them is the cost
                    line = json.loads(text)
                    points[int(line["step"])] = float(line["val/loss"])
    except (OSError, ValueError, TypeError, KeyError):
        return None  # a run that diverged or was cut off within a line
    if not points or not all(map(math.isfinite, points.values())):
        return None
    steps = sorted(points)
    a_step = record.train_seconds / record.steps
    return Curve(tuple(step * a_step for step in steps), tuple(points[step] for step in steps))
