"""Small ledgers, written record by record: what the figures and the page are drawn from."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from audition.measure import Measure
from audition.records.record import Record
from audition.records.store import Ledger

NAN = math.nan
Losses = Mapping[int, float]
Make = Callable[..., Ledger]


@dataclass(frozen=True)
class Fake:
    """What a made-up ledger measures."""

    metric: str
    measure: Measure
    unit: str

    @property
    def line(self) -> str:
        """The metric's name in a line of `metrics.jsonl`."""
        return self.metric.replace("_", "/", 1)


LANGUAGE = Fake("val_loss", Measure("validation loss", "nats/token"), "tokens")
DIGITS = Fake("val_accuracy", Measure("validation accuracy", "%", "higher"), "examples")


@pytest.fixture
def ledger_of(ledger_at: Make, tmp_path: Path) -> Make:
    """The same in a folder of the test's own."""
    return partial(ledger_at, tmp_path / "outputs")


@pytest.fixture(scope="session")
def ledger_at() -> Make:
    """Folder, arms (name -> seed -> value, NaN for a diverged run) -> a ledger of them.

    The values are validation losses of language, or what `task` says.
    """

    def make(
        root: Path, arms: Mapping[str, Losses], *, evaluations: int = 3, task: Fake = LANGUAGE
    ) -> Ledger:
        ledger = Ledger(root)
        for k, (arm, losses) in enumerate(arms.items()):
            for seed, loss in losses.items():
                fine = loss == loss
                idea = () if arm == "baseline" else (f"+idea={arm}",)
                record = Record(
                    key=f"{k}-{seed}",
                    config_hash=f"{k:016x}",
                    baseline_hash=f"{list(arms).index('baseline'):016x}",
                    arm=arm.replace("/", "-"),
                    ideas=() if arm == "baseline" else (arm,),
                    seed=seed,
                    status="finished" if fine else "diverged",
                    reason="" if fine else "the loss is not a number",
                    metrics={task.metric: loss} if fine else {},
                    measures={task.metric: task.measure},
                    primary=task.metric,
                    unit=task.unit,
                    units=1000,
                    steps=10,
                    seconds=60.0,
                    train_seconds=50.0,
                    forward_passes=10,
                    backward_passes=10,
                    overrides=("model=tiny", *idea, f"seed={seed}"),
                    started=f"2026-01-01T00:0{k % 10}:00+00:00",
                )
                write_metrics(ledger.write(record), loss, evaluations, task)
        return ledger

    return make


def write_metrics(folder: Path, end: float, evaluations: int, task: Fake) -> None:
    """A curve that gets better up to `end`, or breaks off half way where that is not a number."""
    lines: list[dict[str, float | None]] = [{"step": 1, "units": 100, "train/loss": 9.0}]
    for k in range(1, evaluations + 1):
        value = (2.0 if end != end else end) + task.measure.as_loss(0.1) * (evaluations - k)
        broken = end != end and k == evaluations
        units = 1000 * k // evaluations
        lines.append({"step": k, "units": units, task.line: None if broken else value})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
