"""How the loss jumps at events of apoptosis, on fixed rows: before, after, and until it is back."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from torch.nn import functional as F

from audition.observers.fixed_rows import fixed_rows
from audition.observers.observer import StepReport
from audition.recipe.batches import Batch
from audition.recipe.problem import Predict
from audition.records.metrics import AFTER, BEFORE, BORN, LATER, REMOVED, SITES
from audition.session import Session


class Spikes:
    """The plain cross-entropy of the live weights on rows that no step trains on; changes no bit.

    A look is a forward pass in evaluation mode: one just before the event's weights are rewritten,
    one just after the step, and then 1, 2, 4, 8, … steps later, until the loss is not above what it
    was before the event, or the next event comes. Where events follow each other closely, some of
    them are looked at. Targets that are no classes, and weights that are parted among processes, are
    not looked at.

    Args:
        context: of a forward pass, as in training.
        units: predictions of a look, about, and a batch at most.
        events: that are looked at in a run, about, at most.
    """

    def __init__(
        self,
        context: Callable[[], AbstractContextManager[object]] = nullcontext,
        *,
        units: int = 2048,
        events: int = 24,
    ) -> None:
        self.context, self.units, self.events = context, units, events
        self.rows: Batch | None = None  # made at the first event
        self.known = True  # whether this run can be looked at
        self.apart = 1
        self.at: int | None = None  # the step of the last event that was looked at
        self.level: float | None = None  # the loss before it; None once it is back
        self.held: float | None = None  # the loss before an event that is under way
        self.under_way: int | None = None  # the last step of an event that takes several (fade)

    def start(self, steps: int | None, lines: list[Mapping[str, float | None]]) -> None:
        """Before the first step; `lines` are those of the steps that a resumed run has behind it."""
        self.apart = max(1, (steps or 0) // self.events)
        for line in lines:
            self._follow(line)

    def before(self, session: Session) -> None:
        """Just before the events of the step that follows `session.step` are carried out."""
        if session.step != self.under_way:
            due = self.at is None or session.step + 1 - self.at >= self.apart
            self.held = self._loss(session) if due else None

    def after(self, session: Session, report: StepReport) -> dict[str, float]:
        """What there is to write after a step, mostly nothing."""
        done = turnover(report)
        turned = bool(done.get(BORN) or done.get(REMOVED))
        found: dict[str, float] = {}
        if report.events and self.held is not None:
            found[BEFORE] = self.held
            if turned and (now := self._loss(session)) is not None:
                found[AFTER] = now
        elif self.level is not None and self.at is not None and not turned:
            passed = session.step - self.at
            if passed & (passed - 1) == 0 and (now := self._loss(session)) is not None:
                found[LATER] = now
        self._follow({"step": session.step, **done, **found})
        return {**done, **found}

    def _follow(self, line: Mapping[str, float | None]) -> None:
        """Keep what a line of a step means for the looks after it."""
        step = int(line["step"] or 0)
        if SITES in line:
            turned = line.get(BORN) or line.get(REMOVED)
            self.under_way = None if turned else step
            self.held = None if turned else line.get(BEFORE)
            if turned:
                self.level = None
        if AFTER in line:
            self.at, self.level = step, line.get(BEFORE)
        for name in (AFTER, LATER):
            now = line.get(name)
            if now is not None and self.level is not None and now <= self.level:
                self.level = None

    @torch.no_grad()
    def _loss(self, session: Session) -> float | None:
        if self.rows is None and self.known:
            self.rows = fixed_rows(session, self.units)
        if self.rows is None or not self.known:
            self.known = False
            return None
        modules = [m for m in (session.model, session.loss) if m is not None]
        training = [module.training for module in modules]
        for module in modules:
            module.eval()
        try:
            with self.context():
                logits = Predict(session.model, session.loss)(self.rows)
        finally:
            for module, was in zip(modules, training, strict=True):
                module.train(was)
        targets = self.rows.targets
        self.known = targets.dtype == torch.int64 and logits.shape[:-1] == targets.shape
        if not self.known:
            return None
        return float(F.cross_entropy(logits.flatten(0, -2), targets.flatten()))


def turnover(report: StepReport) -> dict[str, float]:
    """What the events of a step did: sites that had one, units born, and units removed for good."""
    if not report.events:
        return {}
    events = report.events
    return {
        SITES: float(sum(bool(len(e.born) or len(e.removed)) for e in events)),
        BORN: float(sum(len(event.born) for event in events)),
        REMOVED: float(sum(len(event.removed) for event in events)),
    }
