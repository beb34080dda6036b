"""Verdicts on losses of runs made elsewhere, by the rules for a ledger's own runs."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from audition.answers.arms import arms_of
from audition.answers.judging import judge_baseline
from audition.answers.standing import ELSEWHERE, Standing
from audition.answers.verdict import Verdict, verdicts
from audition.errors import AuditionError, choices
from audition.measure import Measure
from audition.records.record import Record
from audition.records.store import Ledger
from audition.stats.distributions import Sides


def judge_losses(
    arms: Mapping[str, Mapping[int, float]],
    baseline: str,
    *,
    metric: str = "loss",
    higher_is_better: bool = False,
    sesoi: float | None = None,
    alpha: float | None = None,
    sides: Sides = "two",
) -> list[Verdict]:
    """Judge every other arm against `baseline`, as one family, by the tests for a ledger's arms.

    Each verdict says that it was not planned here.

    Args:
        arms: name -> seed -> value of the metric; not-a-number for a run that diverged. Runs of the
            same seed are compared in pairs.
        sesoi: smallest gain that counts, in the metric's unit; None is one pooled standard deviation.
        sides: whether the interval's error, alpha, is shared by both directions or spent on "better".

    Raises AuditionError for a baseline that is not among the arms, or without another arm.

    Example:
        >>> losses = {"adamw": {1: 3.01, 2: 3.03, 3: 2.99}, "muon": {1: 2.81, 2: 2.84, 3: 2.80}}
        >>> [verdict] = judge_losses(losses, "adamw", sesoi=0.05)
        >>> verdict.judgement.comparison.verdict
        'supported'
    """
    if baseline not in arms:
        raise AuditionError(f"there is no arm '{baseline}'{choices(baseline, arms)}")
    if not any(values for name, values in arms.items() if name != baseline):
        raise AuditionError(f"'{baseline}' is the only arm: there is nothing to compare it with")
    how = Measure(metric, "", "higher" if higher_is_better else "lower")
    records = [
        Record(
            key=f"{name}/{seed}",
            config_hash=name,
            baseline_hash=baseline,
            arm=name,
            ideas=(),
            seed=seed,
            status="finished" if math.isfinite(value) else "diverged",
            metrics={metric: value} if math.isfinite(value) else {},
            measures={metric: how},
            primary=metric,
        )
        for name, values in arms.items()
        for seed, value in sorted(values.items())
    ]
    try:
        judged = judge_baseline(
            arms_of(records), baseline, metric=metric, sesoi=sesoi, alpha=alpha, sides=sides
        )
    except ValueError as error:  # the statistics say which number they cannot judge
        raise AuditionError(str(error)) from None
    here = [replace(judgement, standing=Standing((ELSEWHERE,))) for judgement in judged]
    return verdicts(Ledger(Path()), here)
