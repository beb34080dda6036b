"""Verdicts on losses of runs made elsewhere, by the rules for a ledger's own runs."""

import math
import re
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

RISES = re.compile(
    r"(acc|accuracy|auc|auroc|f1|bleu|rouge|meteor|precision|recall|reward|returns?|score|r2|map|iou|"
    r"dice|psnr|ssim|wins?|elo|top\d+|success|throughput|rate)"
)
FALLS = re.compile(
    r"(loss|losses|err|error|errors|nll|nats|ppl|perplexity|bpb|bits|entropy|mse|rmse|mae|cer|wer|fid|"
    r"regret|cost|distance|time|seconds|latency|memory|joules|energy)"
)
"""Words in the name of a metric of which more is better, and less."""


def direction_of(metric: str) -> bool | None:
    """Whether more of a metric of that name is better; None where its name does not tell.

    >>> direction_of("val_loss"), direction_of("test/Top1_Accuracy"), direction_of("x")
    (False, True, None)
    """
    words = re.findall(r"[a-z]+\d*", re.sub(r"([a-z])([A-Z])", r"\1 \2", metric).lower())
    if any(FALLS.fullmatch(word) for word in words):
        return False
    return True if any(RISES.fullmatch(word) for word in words) else None


def judge_losses(
    arms: Mapping[str, Mapping[int, float]],
    baseline: str,
    *,
    metric: str = "loss",
    higher_is_better: bool | None = None,
    sesoi: float | None = None,
    alpha: float | None = None,
    sides: Sides = "two",
) -> list[Verdict]:
    """Judge every other arm against `baseline`, as one family, by the tests for a ledger's arms.

    Each verdict says that it was not planned here.

    Args:
        arms: name -> seed -> value of the metric; not-a-number for a run that diverged. Runs of the
            same seed are compared in pairs.
        higher_is_better: whether more of the metric is better; None: less is, unless the name of the
            metric speaks against it.
        sesoi: smallest gain that counts, in the metric's unit; None is one pooled standard deviation.
        sides: whether the interval's error, alpha, is shared by both directions or spent on "better".

    Raises AuditionError for a baseline that is not among the arms, or without another arm, and for a
    metric whose name says that more is better where nobody says which direction is.

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
    if higher_is_better is None and direction_of(metric):
        raise AuditionError(
            f"of '{metric}' more seems to be better, and a gain must not be taken for harm: say "
            "--higher-is-better or --lower-is-better (in Python, higher_is_better=True or False)"
        )
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
