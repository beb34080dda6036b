"""Learning curves, read from the `metrics.jsonl` that every run keeps."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from audition.judge import ArmRuns
from audition.ledger.store import Ledger
from audition.trackers.tracker import units_of

VALIDATION, TRAINING = "val/loss", "train/loss"


@dataclass(frozen=True)
class Curve:
    """Loss (nats/token) against training tokens, both [points]; not-a-number where it diverged."""

    measure: str  # which of the losses it is
    tokens: tuple[int, ...]
    losses: tuple[float, ...]

    def at(self) -> dict[int, float]:
        """Tokens -> loss."""
        return dict(zip(self.tokens, self.losses, strict=True))


Curves = Mapping[str, Mapping[int, Curve]]
"""Config hash -> seed -> curve."""


def read_curve(folder: Path) -> Curve | None:
    """The run's validation losses, or its training losses where it was never evaluated.

    Lines that are not complete are passed over: the run may be writing them now. None without any.
    """
    found: dict[str, dict[int, float]] = {VALIDATION: {}, TRAINING: {}}
    try:
        lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    for text in lines:
        try:
            line = json.loads(text)
            tokens = units_of(line)
            for measure, points in found.items():
                if measure in line:
                    value = line[measure]
                    points[tokens] = math.nan if value is None else float(value)
        except (ValueError, TypeError, KeyError):
            continue
    for measure, points in found.items():
        if points:
            ordered = sorted(points.items())
            return Curve(measure, tuple(t for t, _ in ordered), tuple(x for _, x in ordered))
    return None


def read_curves(ledger: Ledger, arms: Iterable[ArmRuns]) -> Curves:
    """The curves of every settled run of these arms."""
    curves: dict[str, dict[int, Curve]] = {}
    for arm in arms:
        own = curves.setdefault(arm.config_hash, {})
        for record in arm.records:
            curve = read_curve(ledger.folder_of(record)) if record.settled else None
            if curve is not None:
                own[record.seed] = curve
    return curves
