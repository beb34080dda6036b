"""Meters and trackers that this machine does not have are refused before anything has started."""

from collections.abc import Mapping
from typing import Any

from audition.config.instantiate import construct, find

OURS = "audition.trackers."
"""A person's own loggers are not imported here: they may import torch."""


def check_meter(settings: Mapping[str, Any]) -> None:
    """Raises AuditionError where the run's joules could not be read on this machine."""
    construct(settings["energy"]).check(settings["execution"]["device"])


def check_trackers(settings: Mapping[str, Any]) -> None:
    """Raises AuditionError where a tracker of ours lacks its package."""
    for node in (settings.get("logger") or {}).values():
        if str(node["_target_"]).startswith(OURS):
            tracker: Any = find(str(node["_target_"]))
            tracker.check()
