"""What share of the workers' time a search leaves unused, and how much of that at its end."""

from collections.abc import Iterable
from pathlib import Path

from audition.records.record import Record
from audition.records.store import Ledger
from scripts.bench.commands import command
from scripts.bench.pairs import Row

SPACE = "adamw_optuna"
SEEDS = "42,137,256"
Span = tuple[float, float]
"""When a run began and ended [s]."""


def rows(folder: Path, *, trials: int, each_s: float, workers: int = 2) -> list[Row]:
    """The whole command without its verdict, on runs of about `each_s` training."""
    common = ("model=tiny", "data.evaluation_tokens=4096", f"paths.cache_dir={folder / 'cache'}")
    steps = _steps(folder / "tried", common, each_s)
    ledger = folder / "search"
    command(
        *("-m", "src.train", f"hparams_search={SPACE}", f"seed={SEEDS}", *common),
        *(f"budget.steps={steps}", f"paths.output_dir={ledger}"),
        *(f"hydra.launcher.workers={workers}", f"hydra.sweeper.trials={trials}"),
        *("hydra.sweeper.candidates=0", "-m"),
    )
    spans = spans_of(Ledger(ledger))
    there, lost, tail = unused(spans, workers)
    used = (there - lost) / len(spans)
    what = (
        f"search of {trials} trials × 3 seeds, {len(spans)} runs of {used:.2g} s, {workers} workers"
    )
    return [
        Row(f"{what}: their time in no run", "s", lost, there, lost / there),
        Row("the same, after a worker's last run", "s", tail, there, tail / there),
        Row("the same, between two runs of a worker", "s", lost - tail, there, (lost - tail) / there),
    ]  # fmt: skip


def spans_of(ledger: Ledger) -> list[Span]:
    """Every run's, by its own clock back from when its outcome was written.

    Records tell the time they started to the second, which is too coarse.
    """
    return [_span(ledger, record) for record in ledger.read().records]


def _span(ledger: Ledger, record: Record) -> Span:
    end = (ledger.folder_of(record) / "record.json").stat().st_mtime
    return end - record.seconds, end


def unused(spans: Iterable[Span], workers: int) -> tuple[float, float, float]:
    """Seconds that the workers were there, from the first run to the last; those in no run; and
    those of them after a worker's last run."""
    ordered = sorted(spans)
    first = ordered[0][0]
    free = [first] * workers  # since when each is
    for _, end in ordered:
        free[free.index(min(free))] = end
    last = max(free)
    there = workers * (last - first)
    busy = sum(end - start for start, end in ordered)
    return there, there - busy, sum(last - since for since in free)


def _steps(folder: Path, common: tuple[str, ...], each_s: float) -> int:
    """Steps that take about so long, of two runs side by side."""
    few = 50
    command(
        *("-m", "src.train", *common, "seed=0,1", f"budget.steps={few}"),
        *(f"paths.output_dir={folder}", "hydra.launcher.workers=2", "-m"),
    )
    tried = [record.train_seconds for record in Ledger(folder).read().records]
    return round(each_s * few * len(tried) / sum(tried))
