"""Constant: the configured rate throughout."""

from dataclasses import dataclass

from audition.recipe.batches import Clock
from audition.recipe.signals import Controls


@dataclass(frozen=True, kw_only=True)
class Constant:
    """The configured rate from the first step to the last."""

    def __call__(self, clock: Clock) -> Controls:
        return Controls()
