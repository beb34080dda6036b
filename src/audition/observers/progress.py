"""How far a run is, told to whoever shows it: a pool's parent or the terminal."""

import time
from collections.abc import Callable, Mapping

from audition.measure import recorded
from audition.observers.observer import Observer, StepReport
from audition.session import Session

Tell = Callable[[Mapping[str, object]], None]


class Progress(Observer):
    """Tells step, loss and speed at most every `every_s` seconds, so that telling costs nothing."""

    def __init__(self, tell: Tell, *, every_s: float = 0.5) -> None:
        self.tell = tell
        self.every_s = every_s

    def on_start(self, session: Session, steps: int | None) -> None:
        self.steps = steps
        self.told = time.monotonic()
        self.first_units, self.first_seconds = session.units, session.seconds
        self.tell({"phase": "training", "step": session.step, "steps": steps})

    def on_step(self, session: Session, report: StepReport) -> None:
        now = time.monotonic()
        if now - self.told < self.every_s:
            return
        self.told = now
        seconds = session.seconds - self.first_seconds
        self.tell(
            {
                "phase": "training",
                "step": session.step,
                "steps": self.steps,
                "fraction": report.clock.fraction,
                "loss": report.loss(),
                "units_per_s": (session.units - self.first_units) / seconds if seconds else 0.0,
            }
        )

    def on_evaluation(self, session: Session) -> None:
        found = {recorded(n): v for n, v in session.evaluations[-1].metrics.items()}
        self.tell({"phase": "evaluated", "step": session.step, **found})
