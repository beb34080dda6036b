"""The display without a terminal: a line at each job's end, and one every 30 s; and the choice."""

import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from audition.sweep.pool.display import Display, Tally, outcome
from audition.sweep.pool.job import End, Job
from audition.text import roughly

EVERY_S = 30.0
_SHOWN = 4
"""Running jobs named in a sign of life; the rest are counted."""


class PlainLines(Tally):
    """Whole lines, flushed at once, for logs and pipes."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._out = out
        self._due = math.inf
        self._busy: set[Job] = set()

    def begin(self, jobs: Sequence[Job], workers: int) -> None:
        super().begin(jobs, workers)
        self._due = self.clock() + EVERY_S

    def ended(self, job: Job, end: End) -> None:
        """One line; a job that is busy again has had its line."""
        row, again = self.count(job, end), job in self._busy
        if end.status == "busy":
            self._busy.add(job)
        else:
            self._busy.discard(job)
        if end.status != "busy" or not again:
            self._say(f"{job.label} {outcome(row, end)}{self.left_text()}")

    def note(self, text: str) -> None:
        """One line."""
        self._say(text)

    def tick(self) -> float:
        """A sign of life where 30 s have gone by."""
        now = self.clock()
        if now >= self._due:
            self._due = now + EVERY_S
            self._say(self._running())
        return self._due - now

    def _say(self, text: str) -> None:
        print(f"[{self.done}/{self.total}] {text}", file=self._out, flush=True)

    def _running(self) -> str:
        rows = list(self.rows.values())
        names = [
            ", ".join(filter(None, (f"{row.job.label} {row.step_text()}", row.loss_text())))
            for row in rows[:_SHOWN]
        ]
        if len(rows) > _SHOWN:
            names.append(f"{len(rows) - _SHOWN} more")
        so_far = f"{roughly(self.elapsed())} so far{self.left_text()}"
        return f"{so_far}: {'; '.join(names) or 'getting warm'}"


def display_for(stream: TextIO | None = None) -> Display:
    """A live table where `stream` (stderr by default) is a terminal, else a line for each end."""
    out = sys.stderr if stream is None else stream
    if out.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        from audition.sweep.pool.live import Live

        return Live(out)
    return PlainLines(out)
