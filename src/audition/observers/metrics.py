"""`metrics.jsonl`: one line per logged step and per evaluation; always on, and the truth."""

import json
import math
from pathlib import Path
from typing import TextIO

from audition.ledger.store import write_whole
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
        if session.step:
            # A resumed run repeats what came after its checkpoint: the old lines of that go.
            write_whole(self.path, "".join(f"{line}\n" for line in self._lines(session)))
        self.file = self.path.open("a" if session.step else "w", buffering=1)

    def _lines(self, session: Session) -> list[str]:
        """What earlier processes wrote of the steps that `session` has behind it."""
        evaluated = {evaluation.step for evaluation in session.evaluations}
        kept = []
        for text in self.path.read_text().splitlines() if self.path.exists() else ():
            try:
                line = json.loads(text)
            except ValueError:
                continue  # cut short by the end of the process or of the disk
            if line["step"] <= session.step and (
                "val/loss" not in line or line["step"] in evaluated
            ):
                kept.append(text)
        return kept

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
