"""A measuring process: times the trainer's own step, repeated, and one evaluation pass.

The pool's server forks it as it forks a run, with the same threads and the same card.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from audition.bench.trial import Timing
from audition.budget import Budget
from audition.execution import keep_compiled, why_uncompiled
from audition.machine import peak_memory
from audition.plain_file import write_whole
from audition.recipe.batches import Batch, Clock
from audition.session import Session, begin
from audition.training.build import build
from audition.training.evaluation import evaluate
from audition.training.job import Job
from audition.training.step import advance

CHUNKS = 8
"""Chunks that the time is cut into, if a step is short enough."""
PERIOD = 10
"""Steps after which an idea's occasional work has come round once."""
WARM = 0.3
"""Part of the time for warming up, on top of it."""
LOOK_S = 0.002
"""Time between two checks whether the other workers are warm [s]."""
MEGABYTE = 1e6


def measure(payload: Mapping[str, Any], tell: Callable[[dict[str, Any]], None]) -> int:
    """The pool's entry: measure as `payload` says, and leave the timing in a file."""
    job = build(payload["settings"])
    if job.execution.compile:
        keep_compiled(payload["settings"]["paths"]["cache_dir"])
    folder, mine = Path(payload["folder"]), payload["index"]
    timing = time_job(
        job,
        payload["seconds"],
        evaluated=payload["evaluate"],
        meet=lambda: meet(folder, mine, payload["workers"]),
    )
    write_whole(folder / f"{mine}.json", json.dumps(asdict(timing)))
    return 0


def time_job(
    job: Job, seconds: float, *, evaluated: bool, meet: Callable[[], None] = lambda: None
) -> Timing:
    """Train `job` for about `seconds`, and evaluate it for as long, but without a record of it."""
    job.execution.enter()
    uncompiled = why_uncompiled(job.execution.device) if job.execution.compile else None
    cuda = job.execution.device == "cuda"
    finish: Callable[[], None] = torch.cuda.synchronize if cuda else lambda: None
    session = begin(job.recipe, job.seed, job.execution.device)
    began = time.perf_counter()
    pace = paced(stepper(job, session), seconds, finish=finish, meet=meet)
    units = session.batches.train(Clock(0)).units
    rate = evaluation_rate(job, session, seconds, finish) if evaluated else None
    free, room = torch.cuda.mem_get_info() if cuda else (0, 0)
    return Timing(
        units_per_s=units * pace.steps_per_s,
        units_per_step=units,
        parameters=sum(p.numel() for p in session.params.values()),
        held_out_units=sum(batch.units for batch in session.batches.held_out()),
        held_out_units_per_s=rate,
        cores=pace.cores,
        memory_mb=peak_memory() / MEGABYTE,
        card_mb=(room - free) / MEGABYTE,
        card_room_mb=room / MEGABYTE,
        busy_s=time.perf_counter() - began - pace.first_s,
        uncompiled=uncompiled or "",
    )


@dataclass(frozen=True)
class Pace:
    """A repeated step as it was timed: the very first, then chunks of `steps` each."""

    first_s: float
    steps: int
    seconds: Sequence[float]  # of each chunk
    cpu_s: float  # of all chunks and threads together

    @property
    def steps_per_s(self) -> float:
        """By the median chunk, where a chunk is long enough to hold all kinds of steps; else the mean.

        A median of chunks of one step would hide what every tenth step costs.
        """
        if self.steps >= PERIOD:
            return self.steps / statistics.median(self.seconds)
        return self.steps * len(self.seconds) / sum(self.seconds)

    @property
    def cores(self) -> float:
        """Processor cores that were at work, on average."""
        return self.cpu_s / sum(self.seconds)


def paced(
    step: Callable[[], None],
    seconds: float,
    *,
    finish: Callable[[], None] = lambda: None,
    meet: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
    cpu_clock: Callable[[], float] = time.process_time,
) -> Pace:
    """Time a repeated `step` for about `seconds`: warm-up, chunks of equally many steps.

    finish: waits until the device has done its work. meet: called once warm; waits until the other
    processes of the trial are warm too. A step longer than the warm-up is all of the warm-up.
    torch.utils.benchmark times such chunks too, but knows neither `meet` nor the cores at work.
    """

    def timed(steps: int) -> float:
        began = clock()
        for _ in range(steps):
            step()
        finish()
        return max(clock() - began, 1e-9)

    first = last = spent = timed(1)
    while spent < WARM * seconds:
        last = timed(1)
        spent += last
    meet()
    size, cpu_s = max(1, round(seconds / CHUNKS / last)), cpu_clock()
    chunks = [timed(size)]
    while sum(chunks) < seconds:
        chunks.append(timed(size))
    return Pace(first, size, chunks, cpu_clock() - cpu_s)


def stepper(job: Job, session: Session) -> Callable[[], None]:
    """One training step of `session` a call; past the end of the budget the clock starts again."""
    units = session.batches.train(Clock(0)).units
    steps = job.budget.total_steps(units)
    round_s = steps or Budget().total_steps(units) or 1

    def step() -> None:
        now = session.step % round_s
        advance(job, session, Clock(now, steps, now / round_s))

    return step


def evaluation_rate(
    job: Job, session: Session, seconds: float, finish: Callable[[], None]
) -> float:
    """Held-out units a second, over as much of a pass as `seconds` allow (one batch at least)."""

    def timed(most: float) -> tuple[int, float]:
        part = Part(session.batches, most)
        began = time.perf_counter()
        evaluate(job, replace(session, batches=part), Clock(session.step))
        finish()
        return part.units, time.perf_counter() - began

    units, took = timed(1)
    if took < seconds:
        units, took = timed(units * seconds / took)
    return units / took


class Part:
    """The first held-out batches of `whole`, until they have `most` units, and all else as it is."""

    def __init__(self, whole: Any, most: float) -> None:
        self._whole, self._most = whole, most
        self.units = 0  # of the last pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    def held_out(self, *size: int) -> Iterator[Batch]:
        self.units = 0
        for batch in self._whole.held_out(*size):
            self.units += batch.units
            yield batch
            if self.units >= self._most:
                return


def meet(folder: Path, mine: int, workers: int) -> None:
    """Wait until all workers are warm, so that every one is timed among all the others.

    A worker that dies first ends the trial, and with it the waiting: the pool sees to that.
    """
    (folder / f"{mine}.warm").touch()
    while any(not (folder / f"{other}.warm").exists() for other in range(workers)):
        time.sleep(LOOK_S)
