"""`metrics.jsonl`: one line per logged step and per evaluation; always on, and the truth."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from audition.observers.gates import Gates
from audition.observers.observer import Observer, StepReport
from audition.observers.spikes import Spikes
from audition.plain_file import write_whole
from audition.recipe.turnover import Event
from audition.records.metrics import (
    CONTROLS,
    FILE,
    METERS,
    UPDATES,
    Line,
    is_evaluation,
    read_lines,
)
from audition.session import Session
from audition.trackers.background import BackgroundTracker


def scalars(session: Session, report: StepReport) -> dict[str, float]:
    """What a step is worth writing down; the same names in every tracker."""
    values = {
        "train/loss": report.loss(),
        **{f"{CONTROLS}{name}_gain": float(g) for name, g in vars(report.controls).items()},
        UPDATES: session.updates / session.step,
    }
    if len(report.gradient.terms) > 1:  # their sum is the loss
        values |= {f"terms/{name}": term.item() for name, term in report.gradient.terms.items()}
    if report.norm is not None:
        values["train/gradient_norm"] = report.norm.item()
    return values | {f"{METERS}{name}": float(v) for name, v in report.meters().items()}


Look = Callable[[Session, StepReport], Mapping[str, float]]
"""What there is to write beside the scalars of a step, mostly nothing."""


def nothing(session: Session, report: StepReport) -> Mapping[str, float]:
    """The look that is never due."""
    return {}


class Metrics(Observer):
    """Writes every `every`-th step, each with an event of apoptosis, and each evaluation.

    A line is complete when it is written.

    `copies` are given every line, those of earlier processes first. `spikes` looks at the loss
    around events of apoptosis, `gates` at the gates of skip connections, `look` at a part of the
    held-out rows.
    """

    def __init__(
        self,
        folder: Path,
        copies: Sequence[BackgroundTracker] = (),
        spikes: Spikes | None = None,
        gates: Gates | None = None,
        look: Look = nothing,
        *,
        every: int = 10,
    ) -> None:
        self.path, self.copies = folder / FILE, tuple(copies)
        self.spikes = Spikes() if spikes is None else spikes
        self.gates = Gates() if gates is None else gates
        self.look, self.every = look, every
        self.file: TextIO

    def on_start(self, session: Session, steps: int | None) -> None:
        lines: list[Line] = []
        if session.step:
            # A resumed run repeats what came after its checkpoint: the old lines of that go.
            lines = self._lines(session)
            write_whole(self.path, "".join(f"{json.dumps(line)}\n" for line in lines))
        for copy in self.copies:
            copy.begin(lines)
        self.spikes.start(steps, lines)
        self.gates.start(session, steps)
        self.file = self.path.open("a" if session.step else "w", buffering=1, encoding="utf-8")

    def _lines(self, session: Session) -> list[Line]:
        """What earlier processes wrote of the steps that `session` has behind it."""
        evaluated = {evaluation.step for evaluation in session.evaluations}
        return [
            line
            for line in read_lines(self.path.parent)
            if (line["step"] or 0) <= session.step
            and (line["step"] in evaluated or not is_evaluation(line))
        ]

    def on_turnover(self, session: Session, events: Sequence[Event]) -> None:
        self.spikes.before(session)

    def on_step(self, session: Session, report: StepReport) -> None:
        seen = {
            **self.spikes.after(session, report),
            **self.gates.after(session),
            **self.look(session, report),
        }
        if session.step % self.every == 0 or seen:
            self._write(session, {**scalars(session, report), **seen})

    def on_evaluation(self, session: Session) -> None:
        self._write(session, session.evaluations[-1].metrics)

    def on_end(self, session: Session, status: str) -> None:
        self.file.close()
        for copy in self.copies:
            copy.end(status)

    def _write(self, session: Session, values: object) -> None:
        assert isinstance(values, dict)
        finite = {k: v if math.isfinite(v) else None for k, v in values.items()}
        line: Line = {"step": session.step, "units": session.units, **finite}
        self.file.write(json.dumps(line) + "\n")
        for copy in self.copies:
            copy.take(line)
