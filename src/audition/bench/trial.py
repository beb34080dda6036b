"""One thing to be measured, and what came of it: values that cross between processes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Unmeasured(Exception):
    """A trial whose processes did not all come to their end; its text says why, in a few words."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """So many processes that train `settings` at the same time."""

    label: str
    """What a person calls it, e.g. `bf16, 2 threads`."""
    settings: Mapping[str, Any]
    """Of a run, checked and resolved; its execution says device, threads and precision."""
    workers: int = 1
    gpus: tuple[int, ...] = ()
    """Cards that the workers are dealt to; none on a processor."""
    runs_per_gpu: int = 1
    evaluate: bool = False
    """Whether an evaluation pass is timed too, after the training."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What one process measured."""

    units_per_s: float
    """Of training: the median over chunks of steps."""
    units_per_step: int
    parameters: int
    held_out_units: int
    """Of one evaluation pass."""
    held_out_units_per_s: float | None
    """None where no evaluation was asked for."""
    cores: float = 1.0
    """Processor cores that were at work for it while it trained; other work takes them away."""
    memory_mb: float
    """Peak resident memory of the process."""
    card_mb: float = 0.0
    """Memory in use on its card at the end; 0 without one."""
    card_room_mb: float = 0.0
    """Memory that the card has."""
    busy_s: float = 0.0
    """From the end of its first step to its end."""
    start_s: float = 0.0
    """From the request to the first step, and from the last to the end; the parent fills it in."""

    @property
    def step_s(self) -> float:
        """Seconds of a step."""
        return self.units_per_step / self.units_per_s

    @property
    def evaluation_s(self) -> float:
        """Seconds of an evaluation pass; 0 where none was measured."""
        rate = self.held_out_units_per_s
        return self.held_out_units / rate if rate else 0.0


class Timer(Protocol):
    """Carries out trials."""

    @property
    def warm_s(self) -> float:
        """Seconds that a sweep waits, once, before its first run."""
        ...

    def __call__(self, trial: Trial) -> Sequence[Timing]:
        """One timing a worker; raises Unmeasured."""
        ...
