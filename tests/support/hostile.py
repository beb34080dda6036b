"""Ledgers that something went wrong with: what a record, a plan and the files beside them may hold."""

import json
import os
import socket
from collections.abc import Callable
from math import inf, nan
from pathlib import Path
from typing import Any

from made_records import made

from audition.records.registration import PlannedArm, Registration, register
from audition.records.store import Ledger

Damage = Callable[[Path], None]

SEEDS = (1, 2, 3)
ARMS = ("gate", "muon")

READERS = (
    ("runs",),
    ("runs", "--json"),
    ("verdict", "--json"),
    ("leaderboard",),
    ("report",),
    ("search",),
    ("status",),
    ("curves",),
    ("collect",),
    ("cancel",),
    ("watch", "--once"),
    ("calibrate",),
    ("noise",),
    ("export", "--to", "parquet"),
    ("power", "--gain", "0.01"),
    ("interactions", "gate", "muon"),
    ("reproduce", "gate/1"),
    ("lineage", "gate/1"),
    ("trace", "gate/1"),
    ("chain", "preset=ema", "--prune"),
    ("memory", "gate/1"),
    ("costs", "gate/1"),
    ("spikes", "gate/1"),
    ("benchmark",),
    ("confirm", "gate", "--print"),
    ("lab",),
    ("zoo", "gate/1", "--to", "zoo"),
    ("paper", "--to", "paper"),
    ("edge",),
    ("edge", "gate/1", "--to", "edge"),
)
"""Commands that read a ledger, each at least once, as typed about `sound_ledger`."""


def sound_ledger(root: Path) -> Ledger:
    """A baseline and two arms on three seeds, planned, with lines of metrics."""
    ledger = Ledger(root)
    arms = tuple(PlannedArm(name=a, config_hash=a, seeds=SEEDS, cards={}) for a in ARMS)
    plan = Registration(
        baseline_hash="baseline", baseline_seeds=SEEDS, arms=arms, metric="val_loss", command="x"
    )
    register(root, plan)
    for i, arm in enumerate(("baseline", *ARMS)):
        for seed in SEEDS:
            facts: dict[str, Any] = {
                "plan": plan.digest(),
                "started": f"2026-01-0{seed}T00:00:00+00:00",
                "seconds": 2.0,
                "units": 100,
                "budget": {"steps": 5},
            }
            folder = ledger.write(made(arm, seed, 1.5 - 0.1 * i + 0.01 * seed, **facts))
            line = {"step": 5, "units": 100, "val_loss": 1.5 - 0.1 * i + 0.01 * seed}
            (folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    return ledger


def _with(**facts: Any) -> Damage:
    """The JSON file with other values; a callable is called with what is there."""

    def edit(path: Path) -> None:
        path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))

    return edit


def _without(*names: str) -> Damage:
    def edit(path: Path) -> None:
        plain = json.loads(path.read_text())
        path.write_text(json.dumps({k: v for k, v in plain.items() if k not in names}))

    return edit


def _text(content: str | bytes) -> Damage:
    data = content if isinstance(content, bytes) else content.encode()
    return lambda path: path.write_bytes(data) and None


def _instead(make: Callable[[Path], object]) -> Damage:
    def edit(path: Path) -> None:
        path.unlink()
        make(path)

    return edit


def _socket(path: Path) -> None:
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(path.parent)  # the address of a socket may be 107 bytes long
        with socket.socket(socket.AF_UNIX) as each:
            each.bind(path.name)
    finally:
        os.fchdir(here)
        os.close(here)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def _huge(path: Path) -> None:
    with path.open("ab") as file:
        file.truncate(1 << 40)  # a sparse file


FILES: dict[str, Damage] = {
    "empty": _text(""),
    "cut short": _cut,
    "not text": _text(b"\xff\xfe\x00"),
    "zeros": _text(b"\0" * 4096),
    "a list": _text("[1, 2]"),
    "null": _text("null"),
    "nested deep": _text("[" * 100_000),
    "a pipe": _instead(os.mkfifo),
    "a socket": _instead(_socket),
    "a folder": _instead(Path.mkdir),
    "a loop of links": _instead(lambda path: path.symlink_to(path.name)),
    "a terabyte": _huge,
}
"""What any file may be."""

RECORDS: dict[str, Damage] = {
    "notes: null": _with(notes=None),
    "reason: null": _with(reason=None),
    "metrics: null": _with(metrics=None),
    "metrics: a list": _with(metrics=[1]),
    "a metric in words": _with(metrics={"val_loss": "low"}),
    "a metric of a list": _with(metrics={"val_loss": [1]}),
    "metrics infinite": _with(metrics={"val_loss": inf}),
    "metrics not a number": _with(metrics={"val_loss": nan}),
    "metrics of 1e400": _with(metrics={"val_loss": 10**400}),
    "no metrics": _without("metrics"),
    "no key": _without("key"),
    "no schema": _without("schema"),
    "a later schema": _with(schema=99),
    "schema: a list": _with(schema=[2]),
    "status: done": _with(status="done"),
    "seed: text": _with(seed="one"),
    "seed: true": _with(seed=True),
    "seed: negative": _with(seed=-1),
    "seed: null": _with(seed=None),
    "another seed": _with(seed=77),
    "arm: null": _with(arm=None),
    "arm: out of the ledger": _with(arm="../../../out"),
    "arm: another": _with(arm="muon2"),
    "arm: empty": _with(arm=""),
    "config_hash: out": _with(config_hash=".."),
    "measures: null": _with(measures={"val_loss": None}),
    "measures: odd": _with(measures={"val_loss": {"label": "x", "unit": "y", "better": "up"}}),
    "budget: nested": _with(budget={"steps": {"a": [1]}}),
    "budget: text": _with(budget={"steps": "many", "minutes": "few"}),
    "started: no time": _with(started="yesterday"),
    "started: in the future": _with(started="9999-12-31T23:59:59+00:00"),
    "running since nowhen": _with(status="running", started="soon"),
    "primary: unknown": _with(primary="joy"),
    "unit: empty": _with(unit=""),
    "units: huge": _with(units=10**30),
    "seconds: infinite": _with(seconds=inf),
    "overrides: null": _with(overrides=None),
    "overrides: odd": _with(overrides=["seed='", "\0", "=", ""]),
    "threads: text": _with(threads="all"),
    "schema 1 in schema 2": _with(schema=1),
    "text of control codes": _with(reason="\x1b[2J\x07", notes=["\x1b]0;x\x07"]),
}
"""What may stand in a record, beside FILES."""

PLANS: dict[str, Damage] = {
    "arms: null": _with(arms=None),
    "arms of text": _with(arms=["gate"]),
    "seeds: null": _with(baseline_seeds=None),
    "metric: null": _with(metric=None),
    "sesoi: text": _with(sesoi="small"),
    "written: null": _with(written=None),
    "number: text": _with(number="first"),
    "an unknown key": _with(colour="red"),
    "another δ*": _with(sesoi=0.5),
}
