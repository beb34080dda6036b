"""Events at a fixed distance, from the end of a warm-up until a share of the budget is spent."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Interval

from audition.apoptosis.strategy import Timetable
from audition.recipe.batches import Clock


@dataclass(frozen=True, kw_only=True)
class Periodic(Timetable):
    """Every `interval` steps after `warmup`, until `until` of the budget is spent."""

    active: ClassVar = {"interval": 2, "warmup": 1}

    interval: Annotated[int, Gt(0)] = 200
    """Steps between events."""
    warmup: Annotated[int, Ge(0)] = 100
    """Steps before the first event."""
    until: Annotated[float, Interval(gt=0, le=1)] = 0.8
    """Share of the budget after which no unit dies any more."""

    def due(self, clock: Clock) -> bool:
        step = clock.step + 1
        return step > self.warmup and step % self.interval == 0 and clock.fraction < self.until
