"""Whole commands: a sweep's overhead per run under three launchers, and start-up times."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from audition.records.record import Record
from audition.records.store import Ledger
from scripts.bench.pairs import Row, alone, seconds

TINY = ("model=tiny", "budget.steps=5", "data.evaluation_tokens=1024", "training.evaluations=1")
RUNS = 40


def command(*words: str) -> None:
    """Run a command quietly; where it fails, leave with what it said."""
    ended = subprocess.run(
        [sys.executable, *words], capture_output=True, encoding="utf-8", errors="replace"
    )
    if ended.returncode:
        raise SystemExit(f"{' '.join(words)} failed: {ended.stderr}")


def sweep(folder: Path, runs: int, *words: str) -> float:
    """Seconds of a sweep of `runs` baseline runs into a fresh ledger."""
    shutil.rmtree(folder / "runs", ignore_errors=True)
    seeds = ",".join(map(str, range(runs)))
    return seconds(
        lambda: command(
            "-m", "src.train", "-m", *TINY, f"seed={seeds}", f"paths.output_dir={folder}", *words
        )
    )


def overhead(folder: Path) -> list[Row]:
    """Seconds a run after the first, for our pool and two of Hydra's launchers, in turn."""
    launchers = {
        "pool": (),
        "basic": ("hydra/launcher=basic",),
        "joblib": ("hydra/launcher=joblib",),
    }
    sweep(folder, 1)  # tokenises the text
    each = {}
    for name, words in launchers.items():
        first = sweep(folder, 1, *words)
        each[name] = (sweep(folder, RUNS, *words) - first) / (RUNS - 1)
    return [
        Row(
            f"sweep of {RUNS} five-step runs, against Hydra's {rival}",
            "s a run",
            each["pool"],
            each[rival],
            each["pool"] / each[rival],
            "≤ 0.15 s",
        )
        for rival in ("basic", "joblib")
    ]


def ledger_of(folder: Path, runs: int) -> None:
    """A ledger of `runs` records made from one."""
    ledger = Ledger(folder)
    base = Record(
        key="",
        config_hash="b" * 16,
        baseline_hash="b" * 16,
        arm="baseline",
        ideas=(),
        seed=0,
        status="finished",
        metrics={"val_loss": 1.8, "val_loss_best": 1.8, "val_bpb": 2.6},
    )
    for i in range(runs):
        arm, seed = divmod(i, 10)
        name = "baseline" if arm == 0 else f"idea_{arm}"
        config = "b" * 16 if arm == 0 else f"{arm:016x}"
        loss = 1.8 + 0.001 * ((7 * seed + 3 * arm) % 11)
        ledger.write(
            replace(
                base,
                key=f"{i:032x}",
                config_hash=config,
                arm=name,
                seed=seed,
                metrics={"val_loss": loss, "val_loss_best": loss, "val_bpb": 2.6},
            )
        )


def startup(folder: Path) -> list[Row]:
    """Commands that train nothing."""
    ledger_of(folder / "thousand", 1000)
    sweep(folder, 3)
    seeds = ("seed=0,1,2", f"paths.output_dir={folder}")
    reading = ("-m", "audition")
    at = ("--output-dir", str(folder / "thousand"))
    commands = {
        "python -m src.train --help": (("-m", "src.train", "--help"), "< 1 s"),
        "python -m src.train --cfg job": (("-m", "src.train", "--cfg", "job"), "< 1 s"),
        "audition runs, 1,000 records": ((*reading, "runs", *at), "< 1 s"),
        "audition verdict --json, 100 arms": ((*reading, "verdict", "--json", *at), "< 1 s"),
        "a finished sweep again": (("-m", "src.train", "-m", *TINY, *seeds), "< 2 s"),
    }
    return [
        alone(what, lambda words=words: command(*words), times=5, unit="s", bound=bound)  # type: ignore[misc]
        for what, (words, bound) in commands.items()
    ]
