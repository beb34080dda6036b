"""`metrics.jsonl`: one line per logged step and per evaluation; always on, and the truth."""

import json
import math
from pathlib import Path
from typing import TextIO

from audition.observers.observer import Observer, StepReport
from audition.session import Session


def scalars(session: Session, report: StepReport) -> dict[str, float]:
    """What a step is worth writing down; the same names in every tracker."""
    values = {
        "train/loss": report.loss(),
        "train/lr_gain": report.controls.lr,
        "train/updated": float(not report.gradient.closed),
    }
    if report.norm is not None:
        values["train/gradient_norm"] = report.norm.item()
    return values


class Metrics(Observer):
    """Writes every `every`-th step and each evaluation, the line complete when it is written."""

    def __init__(self, folder: Path, *, every: int = 10) -> None:
        self.path = folder / "metrics.jsonl"
        self.every = every
        self.file: TextIO

    def on_start(self, session: Session, steps: int | None) -> None:
        kept = []
        if session.step and self.path.exists():
            # A resumed run repeats what came after its checkpoint: the old lines of that go.
            evaluated = {evaluation.step for evaluation in session.evaluations}
            lines = map(json.loads, self.path.read_text().splitlines())
            kept = [
                json.dumps(line)
                for line in lines
                if line["step"] <= session.step
                and ("val/loss" not in line or line["step"] in evaluated)
            ]
        self.file = self.path.open("w", buffering=1)
        self.file.writelines(f"{line}\n" for line in kept)

    def on_step(self, session: Session, report: StepReport) -> None:
        if session.step % self.every == 0:
            self._write(session, scalars(session, report))

    def on_evaluation(self, session: Session) -> None:
        self._write(session, session.evaluations[-1].metrics)

    def on_end(self, session: Session, status: str) -> None:
        self.file.close()

    def _write(self, session: Session, values: object) -> None:
        assert isinstance(values, dict)
        finite = {k: v if math.isfinite(v) else None for k, v in values.items()}
        line = {"step": session.step, "tokens": session.tokens, **finite}
        self.file.write(json.dumps(line) + "\n")
