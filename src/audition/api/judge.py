"""`audition.judge`: the verdict on losses from anywhere, in whatever form Python has them."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audition.answers.elsewhere import judge_losses
from audition.api.shown import Verdicts
from audition.errors import AuditionError
from audition.run_tables import Row, losses_of, read_rows
from audition.stats.distributions import Sides

if TYPE_CHECKING:
    from pandas import DataFrame

Numbers = Mapping[str, Mapping[int, float]]
"""Arm -> seed -> value."""


def judge(
    data: "str | PathLike[str] | DataFrame | Sequence[Row] | Numbers",
    *,
    baseline: str,
    metric: str | None = None,
    arm: str | None = None,
    seed: str | None = None,
    name: str | None = None,
    step: str | None = None,
    higher_is_better: bool | None = None,
    sesoi: float | None = None,
    alpha: float | None = None,
    sides: Sides = "two",
) -> Verdicts:
    """Every other arm of `data` against `baseline`, as `audition judge` does it.

    Args:
        data: `{arm: {seed: value}}`; or rows, of which `metric`, `arm` and `seed` name the columns:
            a DataFrame, a list of mappings, or a file or folder that `audition judge` reads. A value
            that is not a number is a run that diverged.
        name: instead of `arm` and `seed`, how names of runs are made: `{arm}-seed{seed}`.
        step: of several rows of a run, the one with the largest value of this column counts.
        higher_is_better: whether more of the metric is better; None: less is, and a metric named as an
            accuracy is refused until somebody says which.
        sesoi: smallest gain that counts, in the metric's unit; None is one pooled standard deviation.
        sides: whether the interval's error, alpha, is shared by both directions or spent on "better".

    Raises AuditionError for columns and arms that are not there.

    Example:
        >>> losses = {"adamw": {1: 3.01, 2: 3.03, 3: 2.99}, "muon": {1: 2.81, 2: 2.84, 3: 2.80}}
        >>> judge(losses, baseline="adamw", sesoi=0.05)  # doctest: +ELLIPSIS
        muon: supported. It is better by 0.1933 (95 % interval +0.1790 to +0.2077); a gain counts...
    """
    asked: dict[str, Any] = {
        "higher_is_better": higher_is_better,
        "sesoi": sesoi,
        "alpha": alpha,
        "sides": sides,
    }
    if isinstance(data, Mapping):
        if not all(isinstance(values, Mapping) for values in data.values()):
            raise AuditionError(
                "give each arm's values by seed: {'adamw': {1: 3.01, 2: 3.03}, ...}"
            )
        return Verdicts(judge_losses(data, baseline, metric=metric or "loss", **asked))
    if metric is None:
        raise AuditionError("name the column of the metric: metric='val_loss'")
    losses = losses_of(_rows(data), metric=metric, arm=arm, seed=seed, name=name, step=step)
    return Verdicts(judge_losses(losses.arms, baseline, metric=metric, **asked))


def _rows(data: "str | PathLike[str] | DataFrame | Sequence[Row]") -> Sequence[Row]:
    if isinstance(data, str | PathLike):
        return read_rows(Path(data))
    rows: Sequence[Row] = data.to_dict("records") if hasattr(data, "to_dict") else data
    if not rows:
        raise AuditionError("there are no rows to judge")
    return rows
