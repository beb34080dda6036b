"""How a metric is read: its name, its unit, which direction is better, and what gain counts."""

from dataclasses import dataclass, replace
from typing import Literal

BEST = "_best"
"""Ends the name of the best value that a metric reached over a run's evaluations."""


def recorded(metric: str) -> str:
    """`val_loss`, as records call what evaluator `val` calls `loss` and logged lines `val/loss`."""
    return metric.replace("/", "_", 1)


@dataclass(frozen=True)
class Measure:
    """How one metric of a run is read.

    Examples:
        >>> from audition import Measure
        >>> accuracy = Measure("validation accuracy", "%", "higher", worth=0.5)
        >>> accuracy.as_loss(97.5)
        -97.5
    """

    label: str
    """What a reader calls it, e.g. `validation loss`."""
    unit: str
    """Unit of its values, e.g. `nats/token`; empty for a plain number."""
    better: Literal["lower", "higher"] = "lower"
    """Which direction is an improvement."""
    worth: float | None = None
    """The smallest gain worth having, in `unit` (δ*); None: one pooled standard deviation."""

    def as_loss(self, value: float) -> float:
        """`value`, negated where higher is better, so that a difference of two means one thing.

        Statistics, searches and pruning work on these; applied twice it gives the value back.
        """
        return -value if self.better == "higher" else value

    @property
    def best(self) -> "Measure":
        """The measure of the best value over a run's evaluations."""
        return replace(self, label=f"best {self.label}")
