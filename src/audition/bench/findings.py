"""All that a bench found out, as it is printed, put out as data and kept."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from audition.bench.estimate import Cell, Cost, Point
from audition.bench.trial import Timing
from audition.measured import Pool


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What one `audition bench` measured, and what follows from it."""

    date: str
    """ISO 8601, UTC."""
    machine: Mapping[str, Any]
    device: str
    threads: int
    precision: str
    """Name of the configured one."""
    unit: str
    """What the task counts: tokens, examples."""
    cells: Sequence[Cell]
    """One run alone, the configured precision and threads among them."""
    points: Sequence[Point]
    """Several runs at once; the first may be one run alone."""
    best: Point
    arms: Mapping[str, Timing]
    """Arm -> one of its runs alone; the baseline first."""
    warm_s: float
    """What a sweep waits, once, before its first run."""
    planned: int
    """Runs of the sweep, those in the ledger included."""
    cost: Cost
    """Of the runs that the ledger lacks."""
    workloads: Sequence[str]
    disturbed: Sequence[str]
    """Trials in which other work took this machine's cores: later sweeps should not go by those."""
    advice: Sequence[str]
    notes: Sequence[str]
    """What could not be measured, and what may have disturbed the rest."""

    @property
    def baseline(self) -> Timing:
        """One of the baseline's runs, alone."""
        return next(iter(self.arms.values()))

    def pool(self) -> Pool:
        """What later sweeps on this machine go by."""
        return Pool(
            device=self.device,
            threads=self.threads,
            precision=self.precision,
            workers=self.best.workers,
            runs_per_gpu=self.best.runs_per_gpu,
            units_per_s=self.best.units_per_s,
            workloads=tuple(self.workloads),
            date=self.date,
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)
