"""Which pictures of a set are kept from training: how many, and what chooses them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SetAside:
    """How many pictures of each class validate and are probed, and what seeds their choice.

    The same for every run: a run's own seed must not change what it is judged on.
    """

    validation: int
    probe: int
    order: int

    @property
    def listed(self) -> list[int]:
        return [self.validation, self.probe, self.order]
