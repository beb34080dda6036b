"""What trackers cost a run: its steps beside those without them, and what it waits at both ends."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from audition.observers.metrics import Metrics
from audition.recipe.signals import Clock
from audition.session import begin
from audition.trackers.behind import Behind
from audition.trackers.tensorboard import TensorBoard
from audition.trackers.wandb import KEY, Wandb
from audition.trainer import Job, advance
from scripts.bench.pairs import Row, paired
from scripts.bench.step import FP32, STEPS, job

RUN_S = 60.0
"""A nano run, or thereabouts [s]."""


@dataclass
class Ends:
    """Seconds that a run waited for its trackers before its first step and after its last."""

    before: float = 0.0
    after: float = 0.0


def watched(made: Job, metrics: Metrics) -> Callable[[], None]:
    """The trainer's own step, with its metrics written."""
    session = begin(made.recipe, made.seed, "cpu")

    def run() -> None:
        for _ in range(STEPS):
            report = advance(made, session, Clock(session.step, 2000, session.step / 2000))
            metrics.on_step(session, report)

    return run


@contextmanager
def writing(made: Job, folder: Path, copies: Sequence[Behind], ends: Ends) -> Iterator[Metrics]:
    """Metrics with those copies, from the start of a run to its end."""
    folder.mkdir(parents=True)
    metrics, session = Metrics(folder, copies), begin(made.recipe, made.seed, "cpu")
    began = time.perf_counter()
    metrics.on_start(session, None)
    ends.before = time.perf_counter() - began
    yield metrics
    began = time.perf_counter()
    metrics.on_end(session, "finished")
    ends.after = time.perf_counter() - began


def rows(output_dir: Path, *, pairs: int = 30) -> list[Row]:
    """W&B (offline) and TensorBoard together, against `metrics.jsonl` alone."""
    torch.set_num_threads(1)
    os.environ.pop(KEY, None)
    made, said, ends = job(output_dir, FP32), list[str](), Ends()
    place = output_dir / "tracked" / "0123456789abcdef"
    folder = place / "seed_1"
    copies = [
        Behind("wandb", Wandb(folder), said.append),
        Behind("tensorboard", TensorBoard(folder), said.append),
    ]
    with (
        writing(made, folder, copies, ends) as ours,
        writing(made, place / "seed_2", (), Ends()) as theirs,
    ):
        row = paired(
            "step with logger=[wandb,tensorboard], against metrics.jsonl alone",
            watched(made, ours),
            watched(made, theirs),
            pairs=pairs,
            unit="ms",
            per=STEPS / 1000,
            bound="≤ 1.01",
        )
    assert not said, said
    waited = ends.before + ends.after
    return [
        row,
        Row(
            f"what a run waits for them at both ends, against a nano run of {RUN_S:g} s",
            "s", waited, RUN_S, waited / RUN_S, "≤ 0.01",
        ),
    ]  # fmt: skip
