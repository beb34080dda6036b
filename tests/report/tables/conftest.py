"""Arms filed in a ledger as runs would file them, without training."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audition.measure import Measure
from audition.records.record import Record
from audition.records.store import Ledger

STEPS = 100


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty ledger."""
    return Ledger(tmp_path)


@pytest.fixture
def file_arm(ledger: Ledger) -> Callable[..., list[Record]]:
    """(name, seed -> loss, ...) -> the arm's records; a loss that is not a number is a divergence.

    `curve` is what each of its evenly spread evaluations was above the final loss.
    """

    def file(
        arm: str,
        losses: Mapping[int, float],
        *,
        baseline: str = "b0",
        train_seconds: float = 50.0,
        curve: tuple[float, ...] = (),
        **facts: Any,
    ) -> list[Record]:
        config_hash = baseline if arm == "baseline" else f"{arm}-of-{baseline}"
        records = []
        for seed, loss in losses.items():
            outcome: dict[str, Any] = {
                "status": "finished" if loss == loss else "diverged",
                "metrics": {"val_loss": loss, "val_bpb": loss} if loss == loss else {},
                "measures": {"val_loss": Measure("validation loss", "nats/token")},
                "units": 1000 * STEPS,
                "steps": STEPS,
                "seconds": train_seconds + 10.0,
                "train_seconds": train_seconds,
                "started": "2026-01-01T10:00:00+00:00",
            }
            record = Record(
                key=f"{config_hash}/{seed}",
                config_hash=config_hash,
                baseline_hash=baseline,
                arm=arm,
                ideas=(),
                seed=seed,
                **outcome | facts,
            )
            folder = ledger.write(record)
            lines: list[dict[str, float]] = [{"step": 1, "units": 1000, "train/loss": 9.0}]
            # Evaluated every tenth of the run, straight between the curve's own points.
            tenths = range(STEPS // 10, STEPS + 1, STEPS // 10) if curve else ()
            known = [STEPS * place // len(curve) for place in range(1, len(curve) + 1)]
            for step in (step for step in tenths if step >= known[0]):
                above = float(np.interp(step, known, curve))
                lines.append({"step": step, "units": 1000 * step, "val/loss": loss + above})
            (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(x)}\n" for x in lines))
            records.append(record)
        return records

    return file
