"""What a run is worth to a search: metrics and facts of its record, all to be made small."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from statistics import fmean

from audition.errors import AuditionError, choices
from audition.ledger.record import Record

FACTS = (
    "seconds",
    "train_seconds",
    "joules",
    "units",
    "forward_passes",
    "backward_passes",
    "parameters",
)
"""Facts of a record that may be made small, beside its metrics."""


def values_of(record: Record, objectives: Sequence[str]) -> tuple[float, ...]:
    """The objectives of a finished run. Raises AuditionError for one that its record does not have."""
    known = {field.name for field in fields(Record)} & set(FACTS)
    found: dict[str, float] = {name: getattr(record, name) for name in known}
    if not record.energy_meter:
        found.pop("joules", None)
    found |= record.metrics
    for name in objectives:
        if name not in found:
            run = f"{record.arm} seed {record.seed}"
            raise AuditionError(f"{run} has no objective '{name}'{choices(name, found)}")
    return tuple(float(found[name]) for name in objectives)


def mean_of(each: Mapping[int, Sequence[float]]) -> list[float]:
    """The means over the seeds, an objective each."""
    return [fmean(column) for column in zip(*each.values(), strict=True)]


def worst(objectives: Sequence[str]) -> list[float]:
    """What a diverged trial is told as: worse than any number, in every objective.

    Told as pruned or failed, samplers would pass over it and come back; a made-up number would
    bend their models and the figures.
    """
    return [math.inf] * len(objectives)
