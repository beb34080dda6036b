"""Linear: a warm-up, then a straight line down."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Interval

from audition.parts.schedule.warmup import progress, warm_up
from audition.recipe.batches import Clock
from audition.recipe.signals import Controls


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A linear warm-up, then a straight line from the configured rate down to `final` of it."""

    warmup_steps: Annotated[int, Ge(0)] = 100
    """Steps of linear warm-up; a tenth of the run where they would take more than half of it."""
    final: Annotated[float, Interval(ge=0, le=1)] = 0.0
    """Share of the configured rate that is left at the end."""

    def __call__(self, clock: Clock) -> Controls:
        gain = 1.0 - (1.0 - self.final) * progress(clock, self.warmup_steps)
        return Controls(lr=gain * warm_up(clock, self.warmup_steps))
