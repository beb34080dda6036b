"""What the effects of runs said of themselves, read from the `metrics.jsonl` that every run keeps."""

import math
from collections.abc import Iterable, Mapping

from audition.answers import ArmRuns
from audition.records.metrics import METERS, read_lines, units_of
from audition.records.store import Ledger

Reading = Mapping[str, Mapping[int, float]]
"""Meter, as `limiter/gain` -> training units -> value; not-a-number where it was not finite."""

Readings = Mapping[str, Mapping[int, Reading]]
"""Config hash -> seed -> what that run wrote; runs without meters are left out."""


def read_meters(ledger: Ledger, arms: Iterable[ArmRuns]) -> Readings:
    """The meters of every settled run of these arms."""
    found: dict[str, dict[int, Reading]] = {}
    for arm in arms:
        for record in arm.records:
            reading: dict[str, dict[int, float]] = {}
            for line in read_lines(ledger.folder_of(record)) if record.settled else ():
                for name, value in line.items():
                    if name.startswith(METERS):
                        points = reading.setdefault(name.removeprefix(METERS), {})
                        points[units_of(line)] = math.nan if value is None else value
            if reading:
                found.setdefault(arm.config_hash, {})[record.seed] = reading
    return found
