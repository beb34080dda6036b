"""What `audition bench` measured on this machine, kept beside the token cache; needs no torch."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from audition.config.groups import GROUPS
from audition.config.identity import targets
from audition.errors import AuditionError
from audition.machine import cores, gpus, torch_version
from audition.provenance import processor
from audition.records.codec import parsed, read
from audition.records.store import write_whole


@dataclass(frozen=True)
class Pool:
    """The pool setting with the highest throughput, and what it was found with."""

    device: str
    threads: int
    precision: str
    workers: int
    runs_per_gpu: int
    units_per_s: float  # tokens or examples, of all workers together
    workloads: tuple[str, ...]
    date: str  # ISO 8601, UTC

    @property
    def key(self) -> str:
        """What was measured, in one line."""
        threads = f"{self.threads} thread" + ("" if self.threads == 1 else "s")
        return f"{self.device}, {threads}, {self.precision}, {self.workloads[0]}"


def machine() -> dict[str, Any]:
    """What a measurement depends on and a run's settings do not say."""
    return {
        "processor": processor(),
        "cores": cores(),
        "gpus": list(gpu_names()),
        "torch": torch_version(),
    }


def gpu_names(driver: Path = Path("/proc/driver/nvidia/gpus")) -> tuple[str, ...]:
    """The names of the cards a process may use, `GPU` where the driver does not tell them."""
    count = len(gpus())
    lines = [
        line
        for file in sorted(driver.glob("*/information"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return tuple(names[:count]) + ("GPU",) * (count - len(names))


def fingerprint() -> str:
    """16 hex digits of this machine: another processor, card or torch is another machine."""
    return sha256(json.dumps(machine(), sort_keys=True).encode()).hexdigest()[:16]


def workload(settings: Mapping[str, Any]) -> str:
    """8 hex digits of what decides the time and the memory of a step of checked `settings`.

    Where the code decides it and hardly its settings, a sweep of rates is one workload.
    """
    parts: dict[str, Any] = {}
    for group in GROUPS.values():
        value = settings.get(group.name)
        if group.workload == "settings" and value is not None:
            skipped = (*group.local, *group.unmeasured)
            parts[group.name] = {k: v for k, v in value.items() if k not in skipped}
        elif group.workload == "code":
            parts[group.name] = list(targets(value))
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:8]


def place(cache_dir: str | Path) -> Path:
    """This machine's file."""
    return Path(cache_dir) / "machine" / f"{fingerprint()}.json"


def remember(cache_dir: str | Path, pool: Pool, found: Mapping[str, Any]) -> Path:
    """Save `pool` and all else that was `found`, in place of an earlier measurement of its kind.

    Raises OSError where the file cannot be written.
    """
    path = place(cache_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    measured = {**_measured(path), pool.key: {"pool": asdict(pool), "found": dict(found)}}
    write_whole(path, json.dumps({"machine": machine(), "measured": measured}, indent=1))
    return path


def recall(
    cache_dir: str | Path, *, device: str, threads: int, workloads: Iterable[str]
) -> Pool | None:
    """The newest measurement here for runs on `device` with `threads`, if possible of `workloads`.

    How many runs a processor holds depends little on the model. How many share a card depends on
    their memory, so there a measurement counts only where it was made with all of `workloads`.
    """
    wanted = frozenset(workloads)
    fitting = [
        (wanted <= frozenset(pool.workloads), pool.date, pool)
        for pool in _pools(_measured(place(cache_dir)))
        if (pool.device, pool.threads) == (device, threads)
        and (device == "cpu" or (wanted and wanted <= frozenset(pool.workloads)))
    ]
    return max(fitting, key=lambda entry: entry[:2])[2] if fitting else None


def _measured(path: Path) -> dict[str, Any]:
    """The entries of the file; none where it is missing or not ours."""
    try:
        measured = parsed(path.read_text(encoding="utf-8"))["measured"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return measured if isinstance(measured, dict) else {}


def _pools(measured: Mapping[str, Any]) -> list[Pool]:
    pools = []
    for entry in measured.values():
        try:
            found = dict(entry["pool"])
            if "tokens_per_s" in found:  # as Audition 0.2 called it
                found["units_per_s"] = found.pop("tokens_per_s")
            pool = read(Pool, found)
        except (KeyError, TypeError, ValueError, AuditionError):
            continue
        if min(pool.workers, pool.runs_per_gpu) >= 1 and pool.date > "":
            pools.append(pool)
    return pools
