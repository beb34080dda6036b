"""What a large ledger costs to ask: CPU seconds of commands on 20,000 runs that were never trained."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from audition.answers.lab.experiments import Lab
from audition.measure import Measure
from audition.records.record import Record
from audition.records.registration import PlannedArm, Registration, register, registrations
from audition.records.store import Ledger
from audition.report.tracker import FILE, write_tracker
from scripts.bench.pairs import Row

RUNS = 20_000
RECORDS = 10_000
"""Of them, that the tracker is made of."""
ARMS = 20
"""The baseline and nineteen ideas, each on as many seeds."""
QUESTIONS = (
    ("one verdict", ("verdict", "idea_01"), "1 s"),
    ("nineteen verdicts", ("verdict",), "3 s"),
    ("`audition status`", ("status",), "3 s"),
    ("`audition runs`", ("runs",), "3 s"),
    ("`audition`", (), "6 s"),
    ("`audition lab`", ("lab",), "6 s"),
    ("`audition report`", ("report",), "6 s"),
)


def make_ledger(root: Path, runs: int = RUNS, arms: int = ARMS) -> None:
    """A planned sweep whose runs have finished, with three lines of metrics each."""
    seeds = tuple(range(runs // arms))
    names = ["baseline", *(f"idea_{number:02}" for number in range(1, arms))]
    hashes = {name: f"{number:016x}" for number, name in enumerate(names, start=1)}
    plan = Registration(
        baseline_hash=hashes["baseline"],
        baseline_seeds=seeds,
        arms=tuple(
            PlannedArm(name=name, config_hash=hashes[name], seeds=seeds, cards={})
            for name in names[1:]
        ),
        metric="val_loss",
        sesoi=0.005,
        command="made by scripts/bench/ledger.py",
    )
    register(root, plan)
    noise = np.random.default_rng(0)
    shared = noise.normal(scale=0.01, size=len(seeds))
    for number, name in enumerate(names):
        for seed in seeds:
            loss = 2.0 - 0.001 * number + shared[seed] + noise.normal(scale=0.01)
            folder = root / "runs" / name / hashes[name] / f"seed_{seed}"
            folder.mkdir(parents=True)
            record = _record(name, hashes, seed, float(loss), plan.digest())
            (folder / "record.json").write_text(record.to_json(), encoding="utf-8")
            lines = (
                {"step": step, "units": 3072 * step, "val_loss": loss + 1.0 / step}
                for step in (100, 200, 325)
            )
            (folder / "metrics.jsonl").write_text(
                "".join(json.dumps(x) + "\n" for x in lines), encoding="utf-8"
            )


def _record(name: str, hashes: dict[str, str], seed: int, loss: float, plan: str) -> Record:
    return Record(
        key=f"{hashes[name]}{seed:016x}",
        config_hash=hashes[name],
        baseline_hash=hashes["baseline"],
        arm=name,
        ideas=() if name == "baseline" else (name,),
        seed=seed,
        status="finished",
        metrics={"val_loss": loss, "val_loss_best": loss, "val_bpb": 0.7 * loss},
        measures={
            "val_loss": Measure("validation loss", "nats/token"),
            "val_bpb": Measure("validation bits per byte", "bits/byte"),
        },
        units=998_400,
        steps=325,
        seconds=31.5,
        train_seconds=30.0,
        forward_passes=325.0,
        backward_passes=325.0,
        parameters=434_000,
        evaluation="0" * 32,
        budget={"tokens": 1_000_000},
        arithmetic={"torch": "2.12.0", "instructions": "AVX512"},
        plan=plan,
        overrides=(f"+idea={name}", f"seed={seed}"),
        code="0" * 16,
        weights=f"{seed:016x}",
        started=f"2026-01-01T{seed % 24:02}:00:00+00:00",
        host="bench",
        pid=1,
    )


def rows(folder: Path) -> Iterator[Row]:
    """CPU seconds of each question, imports included, the files in the cache of the disk."""
    root = folder / "ledger"
    make_ledger(root)
    for what, words, bound in QUESTIONS:
        yield Row(f"{what} of {RUNS:,} runs", "s of CPU", cpu_s(root, words), None, None, bound)
    spent = tracker_s(root)
    yield Row(f"the tracker of {RECORDS:,} records", "s of CPU", spent, None, None, "0.3 s")


def tracker_s(root: Path) -> float:
    """Processor time of writing `lab.sqlite` of RECORDS records that are read already [s]."""
    records, plans = Ledger(root).read().records[:RECORDS], registrations(root)
    path, spent = root.parent / FILE, []
    for _ in range(3):
        before = time.process_time()
        write_tracker(path, records, plans, Lab((), (), (), ()))
        spent.append(time.process_time() - before)
    return min(spent)


def cpu_s(root: Path, words: tuple[str, ...]) -> float:
    """User and system time of the command, the second time that it is typed, on one thread [s]."""
    line = [sys.executable, "-m", "audition", *words, "--output-dir", str(root)]
    # With byte code that is kept, as an installed package has it.
    kept = {"OMP_NUM_THREADS": "1", "PYTHONPYCACHEPREFIX": str(root.parent / "pycache")}
    environment = {**os.environ, **kept}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    spent = 0.0
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(line, check=True, capture_output=True, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent
