"""What a bench measures: one trial and its timing, and which trials a sweep is measured by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audition.bench.plan import PRECISIONS, PlannedSweep
from audition.text import count

RUNS_PER_CARD = (1, 2, 4)


class Unmeasured(Exception):
    """A trial in which a process failed or took too long; its text says why, in a few words."""


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
    uncompiled: str = ""
    """Why it was not compiled, where that was asked for."""

    @property
    def step_s(self) -> float:
        """Seconds of a step."""
        return self.units_per_step / self.units_per_s

    @property
    def evaluation_s(self) -> float:
        """Seconds of an evaluation pass; 0 where none was measured."""
        rate = self.held_out_units_per_s
        return self.held_out_units / rate if rate else 0.0


def arms_alone(sweep: PlannedSweep, cards: Sequence[int]) -> Mapping[str, Trial]:
    """Arm -> one of its runs by itself, with an evaluation; the baseline first."""
    return {
        name: Trial(label=f"arm {name}", settings=settings, gpus=tuple(cards[:1]), evaluate=True)
        for name, settings in sweep.arms.items()
    }


def other_ways(
    sweep: PlannedSweep, cores: int, cards: Sequence[int]
) -> Mapping[tuple[str, int], Trial]:
    """(precision, threads) -> the baseline computed so, in every way but the configured one.

    A card does the work whatever the threads, so there they stay as they are.
    """
    settings, execution = sweep.settings, sweep.settings["execution"]
    own = (sweep.precision, execution["threads"])
    threads = {own[1]} if cards else {own[1], *doubling(cores)}
    return {
        (name, number): Trial(
            label=f"{name}, {count(number, 'thread')}",
            settings={
                **settings,
                "precision": node,
                "execution": {**execution, "threads": number},
            },
            gpus=tuple(cards[:1]),
        )
        for name, node in precisions_of(sweep).items()
        for number in sorted(threads)
        if (name, number) != own
    }


def precisions_of(sweep: PlannedSweep) -> Mapping[str, Mapping[str, Any]]:
    """Name -> node of every precision that is measured; the configured one first."""
    return {sweep.precision: sweep.settings["precision"], **PRECISIONS}


def crowds(sweep: PlannedSweep, cores: int, cards: Sequence[int]) -> Sequence[Trial]:
    """More than one of the baseline's runs at once, ever more: a core each, or so many a card."""
    if cards:
        sizes = [(len(cards) * runs, runs) for runs in RUNS_PER_CARD]
    else:
        room = max(1, cores // sweep.settings["execution"]["threads"])
        sizes = [(workers, 1) for workers in doubling(room)]
    return [
        Trial(
            label=f"{workers} runs at once",
            settings=sweep.settings,
            workers=workers,
            gpus=tuple(cards),
            runs_per_gpu=runs,
        )
        for workers, runs in sizes
        if workers > 1
    ]


def doubling(most: int) -> tuple[int, ...]:
    """1, 2, 4, ... below `most`, and `most` itself."""
    return (*(1 << power for power in range(most.bit_length()) if 1 << power < most), most)
