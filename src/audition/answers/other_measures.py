"""The same runs by the other measures of their task: one may say the opposite of the one judged by."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from audition.answers.arms import ArmRuns
from audition.measure import Measure
from audition.stats import Comparison
from audition.stats.arms import Seed
from audition.stats.comparison import json_ready
from audition.stats.t_tests import paired_t, welch_t

SAME = 1e-9
"""Relative difference of two ratios that rounding explains."""


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

    Left out is a measure that one of the arms lacks or that is no number for one of the runs, and one
    that says the same again, as bits per byte do beside nats per token of one tokenizer.
    """
    seeds = {seed for seed in judged.seeds if isinstance(seed, int)}
    known = dict.fromkeys(name for record in arm.records for name in record.measures)
    own = arm.only(seeds)
    compared = (
        _compared(own.by(metric), baseline.by(metric), judged.level)
        for metric in known
        if metric != arm.metric and not _multiples((own, baseline), metric)
    )
    return tuple(other for other in compared if other is not None)


def _multiples(arms: Sequence[ArmRuns], metric: str) -> bool:
    """Whether `metric` is one multiple of the metric judged by, in every run."""
    pairs = [
        (r.metrics[arm.metric], r.metrics[metric])
        for arm in arms
        for r in arm.records
        if r.metrics.get(arm.metric) and metric in r.metrics
    ]
    ratios = [other / judged for judged, other in pairs]
    return bool(ratios) and max(ratios) - min(ratios) <= SAME * abs(ratios[0])


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
