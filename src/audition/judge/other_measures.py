"""The same runs by the other measures of their task: one may say the opposite of the one judged by."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from audition.judge.arms import ArmRuns
from audition.measure import Measure
from audition.stats import Comparison
from audition.stats.arms import Seed
from audition.stats.comparison import json_ready
from audition.stats.location_tests import paired_t, welch_t


@dataclass(frozen=True)
class OtherMeasure:
    """Baseline and idea by one more measure; the gain is positive where the idea is better."""

    metric: str
    measure: Measure
    baseline: float  # means over seeds, in the measure's own direction and unit
    idea: float
    improvement: float
    ci: tuple[float, float]  # two-sided, of the same-seed differences where seeds are shared
    level: float

    def contradicts(self, improvement: float) -> bool:
        """Whether the interval lies on the other side of zero than the `improvement` judged by."""
        low, high = self.ci
        return (improvement > 0 and high < 0) or (improvement < 0 and low > 0)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        plain: dict[str, Any] = json_ready({**asdict(self), "measure": asdict(self.measure)})
        return plain


def by_other_measures(
    arm: ArmRuns, baseline: ArmRuns, judged: Comparison
) -> tuple[OtherMeasure, ...]:
    """Both arms by each further measure of their task, the arm on the seeds that were judged.

    A measure that one of the arms lacks, or that is no number for one of the runs, is left out.
    """
    seeds = {seed for seed in judged.seeds if isinstance(seed, int)}
    known = dict.fromkeys(name for record in arm.records for name in record.measures)
    compared = (
        _compared(arm.only(seeds).by(metric), baseline.by(metric), judged.level)
        for metric in known
        if metric != arm.metric
    )
    return tuple(other for other in compared if other is not None)


def _compared(arm: ArmRuns, baseline: ArmRuns, level: float) -> OtherMeasure | None:
    theirs, ours = _numbers(baseline), _numbers(arm)
    paired = len(theirs.keys() & ours.keys()) > 1
    if paired:
        theirs = {seed: loss for seed, loss in theirs.items() if seed in ours}
        ours = {seed: loss for seed, loss in ours.items() if seed in theirs}
    if not theirs or not ours:
        return None
    test = (paired_t if paired else welch_t)(theirs, ours)
    before, after = (math.fsum(side.values()) / len(side) for side in (theirs, ours))
    how = arm.measure
    return OtherMeasure(
        metric=arm.metric,
        measure=how,
        baseline=how.as_loss(before),
        idea=how.as_loss(after),
        improvement=before - after,
        ci=test.ci(level),
        level=level,
    )


def _numbers(arm: ArmRuns) -> Mapping[Seed, float]:
    """Seed -> loss; empty where one of them is no number, so that no mean leaves a run out."""
    losses = {seed: math.nan if x is None else x for seed, x in arm.losses.items()}
    return losses if all(map(math.isfinite, losses.values())) else {}
