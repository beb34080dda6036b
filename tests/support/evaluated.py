"""Runs made here, evaluation by evaluation, by a worker that heeds the desk."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from search_entries import planted

from audition.records.store import Ledger
from audition.sweep.pool import End, Job
from audition.sweep.search.study.study import Study
from audition.sweep.search.trial_queue import TrialQueue

LR = {"optimizer.lr": {"low": 1e-4, "high": 0.9, "log": True}}
EVALUATIONS, STEPS = 4, 40
Silent = Callable[[int], bool]


@dataclass
class Trained:
    """A study whose runs are made here, evaluation by evaluation."""

    study: Study
    desk: TrialQueue
    ledger: Ledger
    begun: list[str] = field(default_factory=list)
    ended: dict[str, int] = field(default_factory=dict)  # label -> evaluations it was given
    said: list[str] = field(default_factory=list)

    def train(self, job: Job, silent: Silent) -> None:
        """A run as a worker makes it: a line in its metrics, a word, and SIGTERM heeded.

        silent: whether the word of an evaluation, counted from 0, is lost on the way.
        """
        _, run = self.desk._jobs[job]
        record, loss = run.record, planted(run.settings, run.seed)
        folder = self.ledger.write(record)
        metrics = folder / "metrics.jsonl"
        metrics.unlink(missing_ok=True)
        self.begun.append(job.label)
        for place in range(EVALUATIONS):
            step = STEPS * (place + 1) // EVALUATIONS
            at = math.nan if loss > 5 else loss + 0.1 * (EVALUATIONS - 1 - place)
            write_evaluation(metrics, step, at)
            word = {"phase": "evaluated", "step": step}
            why = "" if silent(place) else self.desk.stops(job, word)
            if why:
                self.ended[job.label] = place + 1
                self.ledger.write(record.ended("interrupted", f"stopped at step {step}"))
                return self.desk.hear(job, End(status="failed", seconds=0.0, reason=why))
            if math.isnan(at):
                self.ledger.write(record.ended("diverged", "not finite"))
                return self.desk.hear(job, End(status="ok", seconds=0.0))
        self.ledger.write(record.ended("finished", metrics={"val_loss": loss}))
        self.desk.hear(job, End(status="ok", seconds=0.0))

    def states(self) -> list[str]:
        return [t.state.name for t in self.study.trials]


def write_evaluation(metrics: Path, step: int, loss: float) -> None:
    line = {"step": step, "units": 64 * step, "val/loss": None if math.isnan(loss) else loss}
    with metrics.open("a") as file:
        file.write(json.dumps(line) + "\n")
