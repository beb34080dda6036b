"""What the pool takes and returns: a job, the pool's settings, how a job ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from audition.errors import AuditionError
from audition.machine import offered
from audition.training.run_spec import RunSpec


@dataclass(frozen=True, eq=False)
class Job:
    """One run to be made; compared by identity, because a payload cannot be hashed."""

    label: str
    """What a person calls it, e.g. `spectral_gate seed 42`."""
    group: str
    """The arm it belongs to; runs of one group are expected to take about as long as each other."""
    payload: Mapping[str, Any] = field(repr=False)
    """JSON-ready settings, handed to the entry as a dict."""
    expected_steps: int | None = None
    """Steps that the run will take, for the progress bar until the run itself reports `steps`."""
    log: Path | None = None
    """File to which the run's stdout and stderr are appended; None throws them away."""
    expected_seconds: float | None = None
    """How long it should take, so that the longest start first; None if unknown. Only the
    ratios between jobs count, until a run of its group has ended."""
    unit: str = "units"
    """What the speed it reports is counted in."""

    @classmethod
    def of(cls, spec: RunSpec, seconds: float | None = None) -> "Job":
        """The job that trains `spec`, in so many seconds if known; its output goes to `run.log`."""
        return cls(
            label=spec.label,
            group=spec.record.arm,
            payload=spec.to_dict(),
            expected_steps=spec.expected_steps(),
            log=spec.folder / "run.log",
            expected_seconds=seconds,
            unit=spec.record.unit,
        )

    @classmethod
    def of_pack(cls, specs: Sequence[RunSpec], seconds: float | None = None) -> "Job":
        """The job that trains `specs`, runs of one arm, as one; a single one is a pack of one."""
        first = cls.of(specs[0], seconds)
        if not specs[0].packed:
            return first
        label = f"{specs[0].record.arm} × {len(specs)} seeds" if len(specs) > 1 else first.label
        return replace(first, label=label, payload={"pack": [each.to_dict() for each in specs]})

    @property
    def specs(self) -> tuple[RunSpec, ...]:
        """Its runs."""
        return tuple(map(RunSpec.from_dict, self.payload.get("pack", [self.payload])))


@dataclass(frozen=True, kw_only=True)
class End:
    """How one attempt at a job came out."""

    status: Literal["ok", "busy", "failed", "interrupted"]
    """`busy`: another process holds this run. `interrupted`: the sweep was stopped, or the source of
    the job no longer needs it."""
    seconds: float
    """Wall-clock time from the request to the end [s]."""
    exit_code: int | None = None
    """What the process left; -n for a death by signal n, None where it is unknown."""
    reason: str = ""
    """One sentence for a person; empty when all went well."""


@dataclass(frozen=True, kw_only=True)
class PoolSettings:
    """How many runs at once, on what, and for how long.

    Raises AuditionError for a number out of range or an entry that is not `module:function`.
    """

    workers: int = 1
    """Runs at once, at least 1; with GPUs no more than there are slots on them."""
    threads: int = 1
    """CPU threads of each run, at least 1; part of what decides a run's bits."""
    gpus: tuple[int, ...] = ()
    """Cards to use, numbered as torch numbers them here; none leaves CUDA_VISIBLE_DEVICES alone."""
    runs_per_gpu: int = 1
    """Runs that share one card, at least 1."""
    gpus_per_run: int = 1
    """Cards that each run needs, at least 1, where it runs on cards at all."""
    timeout_s: float | None = None
    """Longest time for one run [s]; None never stops a run."""
    grace_s: float = 5.0
    """Time between asking a run to stop (SIGTERM) and killing it [s]."""
    preload: tuple[str, ...] = ("torch",)
    """Modules the server imports once, so that no run has to."""
    entry: str = "audition.training.run:work"
    """`module:function`, called in the child as `work(payload, report) -> exit code`.

    0 for a run that is whole, 75 for one that another process holds; SIGTERM asks it to end early.
    """

    def __post_init__(self) -> None:
        for name in ("workers", "threads", "runs_per_gpu", "gpus_per_run"):
            if (value := getattr(self, name)) < 1:
                raise AuditionError(f"{name}={value} is too small: it must be at least 1.")
        if self.timeout_s is not None and not self.timeout_s > 0:
            raise AuditionError(
                f"timeout_s={self.timeout_s} must be above 0, or null for no limit."
            )
        if not self.grace_s >= 0:
            raise AuditionError(f"grace_s={self.grace_s} must not be negative.")
        module, colon, function = self.entry.partition(":")
        if not (module and colon and function):
            raise AuditionError(f"entry '{self.entry}' must be written module:function.")

    def slots(self, visible: str | None) -> list[str | None]:
        """One entry a worker: the CUDA_VISIBLE_DEVICES of its runs, or None to leave it alone.

        visible: this process's own CUDA_VISIBLE_DEVICES. Every card is used once before one is used
        twice. Raises AuditionError for a card that is not visible or that is named twice.
        """
        if not self.gpus:
            return [None] * self.workers
        if len(set(self.gpus)) < len(self.gpus):
            raise AuditionError(
                f"gpus={list(self.gpus)} names a card twice: use runs_per_gpu to share one."
            )
        cards, each = [_card(gpu, visible) for gpu in self.gpus], self.gpus_per_run
        hands: list[str | None] = [
            ",".join(cards[i : i + each]) for i in range(0, len(cards) - each + 1, each)
        ]
        return (hands * self.runs_per_gpu)[: self.workers]


def _card(gpu: int, visible: str | None) -> str:
    """The n-th card of those this process may see, so that a cluster's allocation is respected."""
    names = offered(visible)
    if gpu < 0 or (names is not None and gpu >= len(names)):
        known = "any from 0" if names is None else ", ".join(map(str, range(len(names))))
        raise AuditionError(f"gpus names card {gpu}; choose from: {known or '(none)'}.")
    return str(gpu) if names is None else names[gpu]
