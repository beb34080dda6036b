"""Events at a fixed distance, from the end of a warm-up until a share of the budget is spent."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Interval

from audition.apoptosis.strategy import Timetable, is_late
from audition.errors import AuditionError
from audition.recipe.batches import Clock


@dataclass(frozen=True, kw_only=True)
class Periodic(Timetable):
    """Every `interval` steps after `warmup`, until `until` of the budget is spent.

    Never after the last step or the one before it. Raises AuditionError for an interval longer than
    the run.
    """

    active: ClassVar = {"interval": 2, "warmup": 1}

    interval: Annotated[int, Gt(0)] = 200
    """Steps between events."""
    warmup: Annotated[int, Ge(0)] = 100
    """Steps before the first event."""
    until: Annotated[float, Interval(gt=0, le=1)] = 0.8
    """Share of the budget after which no unit dies any more."""

    def due(self, clock: Clock) -> bool:
        step = clock.step + 1
        due = step > self.warmup and step % self.interval == 0 and clock.fraction < self.until
        return due and not is_late(clock)

    def check(self, steps: int | None) -> None:
        if steps is not None and self.interval >= steps:
            raise AuditionError(
                f"an event every interval={self.interval} steps never comes in a run of {steps}: "
                "choose a smaller one, or apoptosis/timetable=spread"
            )
