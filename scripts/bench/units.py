"""What looking at units costs, and what skip connections do, at nanoGPT's CPU configuration."""

from collections.abc import Callable
from pathlib import Path

import torch

from audition.observers.profiles import TokenProfiles
from audition.session import begin
from audition.training.job import Job
from scripts.bench.pairs import Row, paired
from scripts.bench.step import FP32, job, steps

SKIPS = ("gated", "attention", "sparse_fitness")


def look(made: Job, folder: Path) -> Callable[[], None]:
    """One look of logger=[profiles] at all units, its lines written."""
    session = begin(made.recipe, made.seed, "cpu")
    observer = TokenProfiles(folder)
    observer.on_start(session, None)
    return lambda: observer.look(session)


def rows(output_dir: Path, *, pairs: int = 9) -> list[Row]:
    """A look against a step, and a step with each kind of skip against one without."""
    torch.set_num_threads(1)
    output_dir.mkdir(parents=True, exist_ok=True)
    plain = steps(job(output_dir, FP32), 1)
    table = [
        paired(
            "a look at what units respond to (logger=[profiles]), against a step",
            look(job(output_dir, FP32), output_dir),
            plain,
            pairs=pairs,
            unit="ms",
            per=1 / 1000,
            bound="≤ 1",
        )
    ]
    for skip in SKIPS:
        ours = steps(job(output_dir, FP32, f"skip={skip}"), 5)
        theirs = steps(job(output_dir, FP32), 5)
        what = f"a step with skip={skip}, against one without"
        table.append(paired(what, ours, theirs, pairs=pairs, unit="ms", per=5 / 1000))
    return table
