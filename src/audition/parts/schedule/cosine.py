"""Cosine: a warm-up, then half a cosine (Loshchilov & Hutter 2017, without restarts)."""

import math
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Interval

from audition.parts.schedule.warmup import progress, warm_up
from audition.recipe.batches import Clock
from audition.recipe.signals import Controls


@dataclass(frozen=True, kw_only=True)
class Cosine:
    """A linear warm-up, then half a cosine from the configured rate down to `final` of it."""

    warmup_steps: Annotated[int, Ge(0)] = 100
    """Steps of linear warm-up; a tenth of the run where they would take more than half of it."""
    final: Annotated[float, Interval(ge=0, le=1)] = 0.1
    """Share of the configured rate that is left at the end."""

    def __call__(self, clock: Clock) -> Controls:
        fall = 0.5 * (1.0 + math.cos(math.pi * progress(clock, self.warmup_steps)))
        gain = self.final + (1.0 - self.final) * fall
        return Controls(lr=gain * warm_up(clock, self.warmup_steps))
