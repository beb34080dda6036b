"""The part that a model does without."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Absent:
    """Stands in a config for a group that the chosen model does not take."""
