"""The objectives of a search, read from a record: metrics as losses and facts, all minimised."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from audition.errors import AuditionError, choices
from audition.records.record import Record
from audition.records.studies import FACTS


def values_of(record: Record, objectives: Sequence[str]) -> tuple[float, ...]:
    """The objectives of a finished run, metrics that are better when higher negated.

    A metric that is not a number is the worst there is. Raises AuditionError for an objective that
    the record does not have.
    """
    found: dict[str, float] = {name: getattr(record, name) for name in FACTS}
    if not record.energy_meter:
        found.pop("joules", None)
    found |= {
        name: math.inf if math.isnan(value) else record.measure(name).as_loss(value)
        for name, value in record.metrics.items()
    }
    for name in objectives:
        if name not in found:
            run = f"{record.arm} seed {record.seed}"
            raise AuditionError(f"{run} has no objective '{name}'{choices(name, found)}")
    return tuple(float(found[name]) for name in objectives)


def judged_by(objectives: Sequence[str], metric: str) -> str:
    """The metric among objectives that judges a trial: the first, or `metric` where that is a fact."""
    return metric if objectives[0] in FACTS else objectives[0]


def mean_of(each: Mapping[int, Sequence[float]]) -> list[float]:
    """The means over the seeds, an objective each."""
    return [fmean(column) for column in zip(*each.values(), strict=True)]


def worst(objectives: Sequence[str]) -> list[float]:
    """The values of a diverged trial: infinite in every objective.

    Samplers ignore pruned and failed trials and would try the point again; a finite number would
    distort their models and the figures.
    """
    return [math.inf] * len(objectives)
