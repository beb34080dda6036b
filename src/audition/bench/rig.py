"""Trials carried out on the pool's own server, a fresh process for every worker of each trial."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from audition.bench.trial import Timing, Trial, Unmeasured
from audition.sweep.local import PRELOAD
from audition.sweep.pool import Display, End, Job, PoolSettings, Server, run_pool, warm

ENTRY = "audition.bench.worker:measure"
LIMIT_S, LIMIT = 60.0, 20.0
"""A trial is given up after so long, and so many times the time it was given on top [s]."""


class Rig:
    """A timer: called with a trial, it gives one timing a worker."""

    def __init__(self, server: Server, folder: Path, seconds: float) -> None:
        self._server, self._folder, self._seconds = server, folder, seconds
        self._numbers = count()
        self._since, self.warm_s = time.monotonic(), 0.0

    def __call__(self, trial: Trial) -> Sequence[Timing]:
        """Raises Unmeasured where a process failed or all of them took too long."""
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        jobs = [
            Job(
                label=f"{trial.label} ({index})",
                group=trial.label,
                payload={
                    "settings": dict(trial.settings),
                    "seconds": self._seconds,
                    "workers": trial.workers,
                    "evaluate": trial.evaluate,
                    "folder": str(folder),
                    "index": index,
                },
            )
            for index in range(trial.workers)
        ]
        ends: dict[Job, End] = {}

        def on_end(job: Job, end: End) -> None:
            if end.status != "ok":
                slow = "; --seconds N gives a slow model more time"
                raise Unmeasured(end.reason + slow * end.reason.startswith("timed out"))
            ends[job] = end

        run_pool(jobs, self._pool(trial), on_end=on_end, display=Display(), server=self._server)
        if not self.warm_s:
            longest = max(end.seconds for end in ends.values())
            self.warm_s = time.monotonic() - self._since - longest
        return [
            finished(
                Timing(**json.loads((folder / f"{index}.json").read_text(encoding="utf-8"))),
                ends[job],
            )
            for index, job in enumerate(jobs)
        ]

    def _pool(self, trial: Trial) -> PoolSettings:
        return PoolSettings(
            workers=trial.workers,
            threads=trial.settings["execution"]["threads"],
            gpus=trial.gpus,
            runs_per_gpu=trial.runs_per_gpu,
            timeout_s=LIMIT_S + LIMIT * self._seconds,
            grace_s=0.5,
        )


def finished(timing: Timing, end: End) -> Timing:
    """`timing` with what its process cost beside what it measured and its first step."""
    return replace(timing, start_s=max(0.0, end.seconds - timing.busy_s - timing.step_s))


@contextmanager
def rig(seconds: float) -> Iterator[Rig]:
    """A rig on a server that is getting warm; it ends with the block, and leaves no file."""
    settings = PoolSettings(preload=PRELOAD, entry=ENTRY)
    with TemporaryDirectory(prefix="audition-bench-") as folder, warm(settings) as server:
        yield Rig(server, Path(folder), seconds)


@contextmanager
def progress(out: TextIO) -> Iterator[Callable[[int], Callable[[str], None]]]:
    """What is being measured, as one line on `out` that changes, or a line each in a log."""
    before, after = ("\r\x1b[K", "") if out.isatty() else ("", "\n")

    def announce(total: int) -> Callable[[str], None]:
        numbers = count(1)

        def begin(label: str) -> None:
            line = f"audition: measuring {next(numbers)}/{total}: {label}"
            print(before + line, end=after, file=out, flush=True)

        return begin

    try:
        yield announce
    finally:
        print(before, end="", file=out, flush=True)
