"""Learning curves: the metric that arms are judged by, at every evaluation of their runs."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from audition.answers import ArmRuns
from audition.measure import BEST, recorded
from audition.records.metrics import (
    TRAINING,
    Line,
    read_evaluations,
    read_lines,
    units_of,
)
from audition.records.store import Ledger


@dataclass(frozen=True)
class Curve:
    """A metric against the units trained on, both [points]; not-a-number where it diverged."""

    metric: str  # as records name it; `train_loss` for a run that was never evaluated
    units: tuple[int, ...]
    values: tuple[float, ...]  # in the metric's own direction and unit

    def at(self) -> dict[int, float]:
        """Units -> value."""
        return dict(zip(self.units, self.values, strict=True))


STEPS = recorded(TRAINING)
Curves = Mapping[str, Mapping[int, Curve]]
"""Config hash -> seed -> curve."""


def read_curve(folder: Path, metric: str) -> Curve | None:
    """The run's `metric` at each evaluation, or its training losses where it was never evaluated.

    Of the best value of a metric, the values themselves. None without any.
    """
    wanted = metric.removesuffix(BEST)
    return _curve(read_evaluations(folder), wanted) or _curve(read_lines(folder), STEPS)


def _curve(lines: Iterable[Line], metric: str) -> Curve | None:
    points: dict[int, float] = {}
    for line in lines:
        for name, value in line.items():
            if recorded(name) == metric:
                points[units_of(line)] = math.nan if value is None else float(value)
    ordered = sorted(points.items())
    return Curve(metric, *zip(*ordered, strict=True)) if ordered else None


def read_curves(ledger: Ledger, arms: Iterable[ArmRuns]) -> Curves:
    """The curves of every settled run of these arms."""
    curves: dict[str, dict[int, Curve]] = {}
    for arm in arms:
        own = curves.setdefault(arm.config_hash, {})
        for record in arm.records:
            curve = read_curve(ledger.folder_of(record), arm.metric) if record.settled else None
            if curve is not None:
                own[record.seed] = curve
    return curves
