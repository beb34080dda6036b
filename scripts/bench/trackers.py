"""What trackers cost a run: its steps beside those without them, and what it waits at both ends.

`python -m scripts.bench.trackers` prints these rows alone. Wall time needs a quiet machine; processor
seconds, of the trackers' threads and of W&B's own process too, hold on a loaded one as well.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median

import torch

from audition.config.instantiate import factory
from audition.observers.metrics import Metrics
from audition.observers.watching import warm
from audition.recipe.batches import Clock
from audition.report.export import trackers
from audition.session import begin
from audition.trackers.background import BackgroundTracker
from audition.trackers.mlflow import URI
from audition.trackers.wandb import KEY
from audition.training.job import Job
from audition.training.step import advance
from scripts.bench.pairs import Row, paired
from scripts.bench.step import FP32, STEPS, job

RUN_S = 60.0
"""A nano run, or thereabouts [s]."""


@dataclass
class Spent:
    """Seconds: waited before a run's first step and after its last, and of processors elsewhere."""

    before: float = 0.0
    after: float = 0.0
    elsewhere: float = 0.0
    """By other threads than the run's, and by processes that have ended since."""
    turns: list[float] = field(default_factory=list)
    """By the run's own thread, each turn of `STEPS` steps."""


def elsewhere() -> float:
    """Processor seconds of all but this thread; those of a child once it has ended."""
    children = getrusage(RUSAGE_CHILDREN)
    return time.process_time() - time.thread_time() + children.ru_utime + children.ru_stime


def watched(made: Job, metrics: Metrics, spent: Spent) -> Callable[[], None]:
    """The trainer's own step, with its metrics written."""
    session = begin(made.recipe, made.seed, "cpu")

    def run() -> None:
        began = time.thread_time()
        for _ in range(STEPS):
            report = advance(made, session, Clock(session.step, 2000, session.step / 2000))
            metrics.on_step(session, report)
        spent.turns.append(time.thread_time() - began)

    return run


@contextmanager
def writing(
    made: Job, folder: Path, copies: Sequence[BackgroundTracker], spent: Spent
) -> Iterator[Metrics]:
    """Metrics with those copies, from the start of a run to its end."""
    folder.mkdir(parents=True)
    metrics, session = Metrics(folder, copies), begin(made.recipe, made.seed, "cpu")
    already, began = elsewhere(), time.perf_counter()
    metrics.on_start(session, None)
    spent.before = time.perf_counter() - began
    yield metrics
    began = time.perf_counter()
    metrics.on_end(session, "finished")
    spent.after = time.perf_counter() - began
    spent.elsewhere = elsewhere() - already


def against_none(made: Job, place: Path, names: Sequence[str], pairs: int) -> list[Row]:
    """Those trackers together, against `metrics.jsonl` alone."""
    nodes, said = {name: trackers()[name] for name in names}, list[str]()
    warm(nodes)  # as a pool does, once for all its runs

    def copies(folder: Path) -> list[BackgroundTracker]:
        return [
            BackgroundTracker(name, factory(node)(folder), said.append)
            for name, node in nodes.items()
        ]

    def run_of(name: str, spent: Spent, *, shown: bool = True):  # type: ignore[no-untyped-def]
        folder = place / "runs" / "baseline" / "0123456789abcdef" / name
        return writing(made, folder, copies(folder) if shown else (), spent)

    empty, ours, theirs = Spent(), Spent(), Spent()
    for name in ("seed_1", "seed_2"):  # the first one makes what a ledger has once
        with run_of(name, empty):
            pass
    with run_of("seed_3", ours) as mirrored, run_of("seed_4", theirs, shown=False) as alone:
        what = f"step with logger=[{','.join(names)}], against metrics.jsonl alone"
        row = paired(
            what,
            watched(made, mirrored, ours),
            watched(made, alone, theirs),
            pairs=pairs,
            unit="ms",
            per=STEPS / 1000,
            bound="≤ 1.01",
        )
    assert not said, said
    others = max(0.0, ours.elsewhere - empty.elsewhere) / len(ours.turns)
    ratios = [(a + others) / b for a, b in zip(ours.turns, theirs.turns, strict=True)][1:]
    a, b = (1000 / STEPS * median(spent.turns[1:]) for spent in (ours, theirs))
    mine = a + 1000 / STEPS * others
    waited = ours.before + ours.after
    return [
        row,
        Row(
            "the same in processor time, the trackers' threads and processes included",
            "ms", mine, b, median(ratios), "≤ 1.01",
        ),
        Row(
            "of that, what those threads and processes took, against the step",
            "ms", mine - a, b, (mine - a) / b, "≤ 0.01",
        ),
        Row(
            f"processor time to open and close them, against a nano run of {RUN_S:g} s",
            "s", empty.elsewhere, RUN_S, empty.elsewhere / RUN_S, "≤ 0.01",
        ),
        Row(
            f"what a run waits for them at both ends, against a nano run of {RUN_S:g} s",
            "s", waited, RUN_S, waited / RUN_S, "≤ 0.01",
        ),
    ]  # fmt: skip


def rows(output_dir: Path, *, pairs: int = 30) -> Iterator[Row]:
    """W&B (offline) and TensorBoard together; MLflow, with its database here, where it is."""
    torch.set_num_threads(1)
    for variable in (KEY, URI):
        os.environ.pop(variable, None)
    made = job(output_dir, FP32)
    yield from against_none(made, output_dir / "both", ("wandb", "tensorboard"), pairs)
    if find_spec("mlflow"):
        yield from against_none(made, output_dir / "mlflow", ("mlflow",), pairs)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        for each in rows(Path(name)):
            print(each, flush=True)
