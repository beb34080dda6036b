"""A run's folder as a run leaves it, and a reader of W&B's own files."""

import json
import struct
from pathlib import Path

import pytest

from audition.records.record import Record
from audition.records.store import Ledger

LINES = [
    {"step": 10, "units": 640, "train/loss": 3.25, "train/lr_gain": 0.5},
    {"step": 10, "units": 640, "val/loss": 3.125, "val/bpb": 1.5},
    {"step": 20, "units": 1280, "train/loss": None, "train/lr_gain": 1.0},
    {"step": 30, "units": 1920, "train/loss": 2.0, "train/lr_gain": 0.1},
    {"step": 30, "units": 1920, "val/loss": 2.125, "val/bpb": 1.25},
]
BLOCK = 32768


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    """Two finished runs and a failed one, each with its files."""
    ledger = Ledger(tmp_path / "outputs")
    for arm, seed, status in (
        ("baseline", 1, "finished"),
        ("idea", 1, "finished"),
        ("idea", 2, "failed"),
    ):
        record = Record(
            key=f"{arm}{seed}".ljust(32, "0"),
            config_hash=arm.ljust(16, "0"),
            baseline_hash="baseline".ljust(16, "0"),
            arm=arm,
            ideas=(),
            seed=seed,
            status=status,
            metrics={"val_loss": 2.125},
        )
        folder = ledger.write(record)
        (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES))
        (folder / "config.yaml").write_text("optimizer:\n  lr: 0.001\nseed: 1\n")
    return ledger


@pytest.fixture
def folder(ledger) -> Path:
    """The folder of the baseline's run."""
    return ledger.folder_of(ledger.read().records[0])


def merged(lines):
    """`metrics.jsonl` as W&B has it: one row a step, what was not finite left out."""
    rows: dict[int, dict[str, float]] = {}
    for line in lines:
        kept = {name: value for name, value in line.items() if value is not None}
        rows.setdefault(line["step"], {}).update(kept)
    return [rows[step] for step in sorted(rows)]


def read_wandb(place: Path):
    """(run, history rows, summary) of the one offline run in `place`.

    The file is LevelDB's log format, whose records are protobuf messages.
    """
    from wandb.proto.wandb_internal_pb2 import Record as Message

    (path,) = place.glob("wandb/offline-run-*/*.wandb")
    run, rows, summary = None, [], {}
    for content in _records(path.read_bytes()):
        message = Message.FromString(content)
        kind = message.WhichOneof("record_type")
        if kind == "run":
            run = message.run
        elif kind == "history":
            row = {
                item.key or ".".join(item.nested_key): json.loads(item.value_json)
                for item in message.history.item
            }
            row["step"] = row.get("_step", message.history.step.num)
            rows.append({k: v for k, v in row.items() if not k.startswith("_")})
        elif kind == "summary":
            summary |= {
                item.key or ".".join(item.nested_key): json.loads(item.value_json)
                for item in message.summary.update
            }
    return run, rows, summary


def _records(content: bytes):
    at, part = 7, b""  # after the file's own header
    while at + 7 <= len(content):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + 7])
        part += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield part
            part = b""
