"""A cost of a run or a model, and how it was come by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Method = Literal["measured", "exact", "modelled", "simulated"]
"""Read off what happened; counted, by formula or from a file; computed from a model of the machine;
or what it would be in a format that nothing here writes. No table mixes them."""


@dataclass(frozen=True)
class Amount:
    """A number, its unit, and its method.

    Examples:
        >>> Amount(3219456, "bytes", "measured").over(Amount(804864, "bytes", "measured"))
        4.0
    """

    value: float
    unit: str
    method: Method

    def over(self, other: "Amount") -> float:
        """This as a multiple of `other`.

        Raises ValueError for amounts of unlike units or methods.
        """
        if (self.unit, self.method) != (other.unit, other.method):
            raise ValueError(
                f"{self.unit} ({self.method}) and {other.unit} ({other.method}) are not compared"
            )
        return self.value / other.value


@dataclass(frozen=True)
class Cost:
    """A cost that a sweep may claim to be less.

    counted: whether it has no error of measurement. length: whether it is the length of the training,
    in which the arms of a sweep must agree unless the claim is about that. beside: whether it is
    measured after the runs, arms in turn (`costs/claimed.py`).
    """

    says: str
    counted: bool = True
    length: bool = False
    beside: bool = False


COSTS: Mapping[str, Cost] = {
    "tokens": Cost("tokens trained on", length=True),
    "examples": Cost("examples trained on", length=True),
    "episodes": Cost("episodes trained on", length=True),
    "updates": Cost("updates of the weights", length=True),
    "train_flops": Cost("operations of a training", length=True),
    "parameters": Cost("parameters"),
    "forward_flops": Cost("operations of an answer"),
    "model_bytes": Cost("bytes of the file"),
    "model_bytes_deflated": Cost("bytes of the file, deflated"),
    "train_seconds": Cost("seconds of a training's steps", counted=False, beside=True),
    "wall_seconds": Cost("seconds of a training, as they went by", counted=False),
    "joules": Cost("joules of a training", counted=False),
    "peak_memory": Cost("most memory of a training", counted=False),
    "held_for_backward": Cost("bytes held for the backward pass", beside=True),
    "optimizer_state": Cost("bytes that the optimizer keeps", beside=True),
    "latency": Cost("seconds of an answer to one text", counted=False, beside=True),
}
"""Every cost that `claim.cost` may name."""


def beside_baseline(cost: str) -> str:
    """Under what the record of an arm has the baseline's cost that was measured beside its own."""
    return f"{cost}_of_baseline"
