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
from audition.plain_file import write_whole
from audition.provenance import processor
from audition.records.codec import parsed, read


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to compute the steps of a run, and the time it takes."""

    precision: str
    """Name of the class."""
    compile: bool
    step_s: float
    start_s: float
    """Before the first step and after the last one; what was compiled is read from the cache."""

    def seconds(self, steps: float) -> float:
        """Of a run of so many steps, its evaluations left out."""
        return self.start_s + steps * self.step_s


@dataclass(frozen=True, kw_only=True)
class Ways:
    """The ways in which one bench computed the same steps on this machine."""

    device: str
    threads: int
    shape: str
    """Of the steps, as `shape` has it."""
    units_per_step: int
    ways: tuple[Way, ...]
    date: str
    """ISO 8601, UTC."""

    @property
    def key(self) -> str:
        """What was measured, in one line; a bench that compiled nothing replaces none that did."""
        compiled = ", compiled too" * (len({way.compile for way in self.ways}) > 1)
        return f"{self.device}, {self.threads} threads, {self.shape}{compiled}"


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """How much the same-seed differences of one precision vary beside another's, on this machine.

    Seeds to a verdict go with that variance, so it counts beside the time of a run.
    """

    device: str
    shape: str
    """Of the steps, as `shape` has it."""
    steps: int
    """Of the runs that it was measured with."""
    precision: str
    """Names of two classes: the variance is this one's ..."""
    beside: str
    """... over that one's."""
    ratio: float
    """Geometric mean over the changes."""
    low: float
    high: float
    """95 % interval, from the spread between the changes."""
    changes: int
    seeds: int
    date: str
    """ISO 8601, UTC."""

    @property
    def key(self) -> str:
        """What was measured, in one line."""
        return f"{self.device}, {self.shape}, {self.steps} steps"

    def fits(self, device: str, shape: str, steps: float) -> bool:
        """Whether it says something of such runs: the same steps, and half to twice as many."""
        alike = (self.device, self.shape) == (device, shape)
        return alike and self.steps / 2 <= steps <= 2 * self.steps

    def seeds_of(self, precision: str) -> float:
        """The seeds that `precision` needs, beside the other; 1 where nothing is known.

        Only an interval without 1 says that the two need different numbers.
        """
        if self.low <= 1.0 <= self.high:
            return 1.0
        return self.ratio if precision == self.precision else 1.0


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
    parts = _of_settings(settings)
    for group in GROUPS.values():
        if group.workload == "code":
            parts[group.name] = list(targets(settings.get(group.name)))
    return _digest(parts)


def shape(settings: Mapping[str, Any]) -> str:
    """8 hex digits of what a step of checked `settings` computes, in whatever way it is computed.

    Ideas, effects and optimizers are left out: an idea is settled as its baseline is.
    """
    parts = _of_settings(settings)
    del parts["precision"]
    for key in ("compile", "pack"):
        parts["execution"].pop(key, None)
    return _digest(parts)


def _of_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The groups whose every setting decides the time of a step, without settings that do not."""
    groups = (group for group in GROUPS.values() if group.workload == "settings")
    return {
        group.name: {k: v for k, v in value.items() if k not in (*group.local, *group.unmeasured)}
        for group in groups
        if (value := settings.get(group.name)) is not None
    }


def _digest(parts: Mapping[str, Any]) -> str:
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:8]


def place(cache_dir: str | Path) -> Path:
    """This machine's file."""
    return Path(cache_dir) / "machine" / f"{fingerprint()}.json"


def remember(
    cache_dir: str | Path, pool: Pool, found: Mapping[str, Any], ways: Ways | None = None
) -> Path:
    """Save `pool`, `ways` and all else that was `found`, in place of an earlier measurement.

    Raises OSError where the file cannot be written.
    """
    path = place(cache_dir)
    _keep(
        path,
        measured={
            **_kept(path, "measured"),
            pool.key: {"pool": asdict(pool), "found": dict(found)},
        },
        ways={**_kept(path, "ways"), **({ways.key: asdict(ways)} if ways else {})},
    )
    return path


def remember_pairing(cache_dir: str | Path, pairing: Pairing) -> Path:
    """Save `pairing` in place of an earlier one; OSError where the file cannot be written."""
    path = place(cache_dir)
    _keep(path, pairings={**_kept(path, "pairings"), pairing.key: asdict(pairing)})
    return path


def _keep(path: Path, **changed: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    own = {name: changed.get(name, _kept(path, name)) for name in ("measured", "ways", "pairings")}
    write_whole(path, json.dumps({"machine": machine(), **own}, indent=1))


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
        for pool in _pools(_kept(place(cache_dir), "measured"))
        if (pool.device, pool.threads) == (device, threads)
        and (device == "cpu" or (wanted and wanted <= frozenset(pool.workloads)))
    ]
    return max(fitting, key=lambda entry: entry[:2])[2] if fitting else None


def recall_ways(cache_dir: str | Path, *, device: str, threads: int) -> list[Ways]:
    """What was measured here for runs on `device` with `threads`, the newest first."""
    found = []
    for entry in _kept(place(cache_dir), "ways").values():
        try:
            found.append(read(Ways, entry))
        except AuditionError:
            continue
    fitting = (ways for ways in found if (ways.device, ways.threads) == (device, threads))
    return sorted(fitting, key=lambda ways: ways.date, reverse=True)


def recall_pairing(
    cache_dir: str | Path, *, device: str, shape: str, steps: float
) -> Pairing | None:
    """The newest one that was measured here with such runs."""
    found = []
    for entry in _kept(place(cache_dir), "pairings").values():
        try:
            found.append(read(Pairing, entry))
        except AuditionError:
            continue
    fitting = (pairing for pairing in found if pairing.fits(device, shape, steps))
    return max(fitting, key=lambda pairing: pairing.date, default=None)


def _kept(path: Path, what: str) -> dict[str, Any]:
    """The entries of the file; none where it is missing or not ours."""
    try:
        found = parsed(path.read_text(encoding="utf-8"))[what]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


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
