"""What a device said of a bundle: `device.json` of its own bench, filed in the ledger.

The machine that made a bundle is its host, and a row of it is never one of a device.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from audition.errors import AuditionError
from audition.plain_file import read_text
from audition.records.folder import Folder

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Seconds of an answer to a prompt of `rows` texts of `tokens`, of which nothing is kept."""

    rows: int
    tokens: int
    p50_s: float
    p95_s: float
    tokens_per_s: float


@dataclass(frozen=True, kw_only=True)
class DeviceRow:
    """One bench of one bundle on one machine."""

    where: Literal["host", "device"]
    machine: str  # a digest that two benches on one machine share
    processor: str
    system: str
    runtime: str
    threads: int
    repeats: int
    bundle: str  # sha256 of its bundle.json
    model: str  # sha256 of its model.onnx
    arm: str
    seed: int
    deploy: str
    logits_off: float  # the largest difference from the test vector
    argmax_same: float  # the share of places with the same most likely token
    logits_ok: bool
    latency: tuple[Answered, ...]
    peak_bytes: int | None = None
    schema: int = SCHEMA

    def stem(self) -> str:
        """The name of its file: the same bench is filed once."""
        text = json.dumps(plain(self), sort_keys=True)
        return sha256(text.encode()).hexdigest()[:16]


def plain(row: DeviceRow) -> Mapping[str, Any]:
    """The content of its file."""
    return {**vars(row), "latency": [vars(each) for each in row.latency]}


DEVICES = Folder("devices", DeviceRow, plain=plain)
"""One file a bench."""


def file_row(root: Path, path: Path) -> tuple[DeviceRow, Path]:
    """File the `device.json` at `path` in the ledger at `root`; returns it and where it is.

    Raises AuditionError for another file.
    """
    try:
        row = DEVICES.decode(read_text(path))
    except FileNotFoundError:
        raise AuditionError(f"there is no {path}: bench.py of a bundle writes it") from None
    except (AuditionError, UnicodeDecodeError) as error:
        raise AuditionError(f"{path} {error}: bench.py of a bundle writes such a file") from None
    return row, DEVICES.write(root, row.stem(), row)
