"""Events at equal distances of the run, whatever its length."""

from dataclasses import dataclass
from math import floor
from typing import Annotated

from annotated_types import Interval

from audition.apoptosis.strategy import Timetable, is_late
from audition.errors import AuditionError
from audition.recipe.batches import Clock


@dataclass(frozen=True, kw_only=True)
class Spread(Timetable):
    """At `start` of the run, and at every further `interval` of it, before `until`.

    Shares of a run, so that a longer run has events further apart, and as many. Never after the
    last step or the one before it. A budget of minutes has no such places: it raises AuditionError.

    Examples:
        >>> from audition import Clock
        >>> spread = Spread(start=0.1, interval=0.2, until=0.8)
        >>> [step + 1 for step in range(100) if spread.due(Clock(step, 100, step / 100))]
        [10, 30, 50, 70]
    """

    interval: Annotated[float, Interval(gt=0, lt=1)] = 0.08
    """Share of the run between two events."""
    start: Annotated[float, Interval(ge=0, lt=1)] = 0.1
    """Share of the run before the first one."""
    until: Annotated[float, Interval(gt=0, le=1)] = 0.9
    """Share of the run after which no unit dies any more."""

    def due(self, clock: Clock) -> bool:
        if clock.steps is None or is_late(clock):
            return False
        before, after = (self._passed((clock.step + i) / clock.steps) for i in (0, 1))
        # Places up to the end of this step, and not up to its beginning.
        return after > before and (clock.step + 1) / clock.steps < self.until

    def check(self, steps: int | None) -> None:
        if steps is None:
            raise AuditionError(
                "events at shares of the run need a budget of steps, tokens or examples, and this "
                "one is of minutes: choose apoptosis/timetable=periodic"
            )

    def _passed(self, share: float) -> int:
        """How many places of events there are up to `share` of the run."""
        # Against places that rounding moves to the next step: 0.3 / 0.1 is 2.9999999999999996.
        return max(0, 1 + floor((share - self.start) / self.interval + 1e-9))
