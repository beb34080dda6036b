"""The joules of a run: from its first step to its end, over however many attempts it took."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from audition.energy.meter import AtOnce, Counter, Meter
from audition.errors import AuditionError
from audition.observers.checkpoint import Say
from audition.observers.observer import Observer, StepReport
from audition.session import Session

EVERY_S = 30.0
"""Between two readings: counters come round, some within five minutes [s]."""


class Energy(Observer):
    """Counts training and evaluation alike, as a bill does, and never stops a run.

    What a killed attempt spent after its last checkpoint is left out, as its seconds are: it is the
    cost of the run, not of its accidents.

    Args:
        meter: where joules come from.
        at_once: runs that the meter may see together; each is given an equal part.
        cards: of the run.
        say: called with the reason where there are no joules.
    """

    def __init__(self, meter: Meter, at_once: AtOnce, *, cards: int, say: Say) -> None:
        self.meter, self.cards, self.say = meter, cards, say
        self.sharers = meter.sharers(at_once)
        self.counter: Counter | None = None
        self.due = 0.0
        self.recall(None)

    def recall(self, snapshot: Mapping[str, Any] | None) -> None:
        """Go on from what a checkpoint remembers, or from zero without one."""
        kept: Mapping[str, Any] = {"meter": self.meter.name, "joules": 0.0}
        if snapshot is not None:
            kept = snapshot.get("energy", {"meter": "", "joules": 0.0})
        self.earlier = self.total = float(kept["joules"])
        # A meter that missed part of the run gives no total, so none is recorded.
        self.known = kept["meter"] == self.meter.name

    def memory(self) -> dict[str, Any]:
        """What a checkpoint is to remember."""
        self._read()
        name = self.meter.name if self.known else ""
        return {"energy": {"meter": name, "joules": self.total}}

    def facts(self) -> dict[str, Any]:
        """What the record keeps of joules; nothing where the total is not known."""
        if not (self.known and self.meter.name):
            return {}
        return {
            "joules": self.total,
            "energy_method": self.meter.method,
            "energy_meter": self.meter.name,
            "energy_shared": self.sharers,
        }

    def on_start(self, session: Session, steps: int | None) -> None:
        if not self.known:
            name = self.meter.name
            return self._give_up(f"it was not metered by {name} from its first step" * bool(name))
        try:
            self.counter = self.meter.open(self.cards)
        except AuditionError as error:
            self._give_up(str(error))
        return None

    def on_step(self, session: Session, report: StepReport) -> None:
        if time.monotonic() >= self.due:
            self._read()

    def on_end(self, session: Session, status: str) -> None:
        if self.counter is not None:
            self._take(self.counter.close)
        self.counter = None

    def _read(self) -> None:
        if self.counter is not None:
            self.due = time.monotonic() + EVERY_S
            self._take(self.counter.joules)

    def _take(self, joules: Callable[[], float]) -> None:
        try:
            self.total = self.earlier + joules() / self.sharers
        except OSError as error:
            self._give_up(f"energy={self.meter.name} stopped answering ({error.strerror or error})")

    def _give_up(self, why: str) -> None:
        self.counter, self.known = None, False
        if why:
            self.say(f"the run has no joules: {why}")
