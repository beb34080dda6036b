"""The interface of what a person sees of the pool, and what every display counts."""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audition.sweep.pool.estimate import Pace, Underway, remaining
from audition.sweep.pool.job import End, Job
from audition.text import roughly


class Display:
    """Called by the pool at every event. This base class shows nothing."""

    def begin(self, jobs: Sequence[Job], workers: int) -> None:
        """The sweep begins, `workers` runs at once."""

    def started(self, job: Job) -> None:
        """A child was asked for."""

    def progress(self, job: Job, report: Mapping[str, Any]) -> None:
        """A running job said how far it is: step, steps, loss, val_loss, units_per_s, phase; any."""

    def ended(self, job: Job, end: End) -> None:
        """One attempt ended; a `busy` job will be started again later."""

    def note(self, text: str) -> None:
        """Something a person should know."""

    def tick(self) -> float:
        """Draw if it is time; return in how many seconds to be called again (inf for never)."""
        return math.inf

    def close(self) -> None:
        """The sweep is over, or was stopped."""


@dataclass
class Row:
    """One running job as far as it has reported."""

    job: Job
    since: float
    progress: dict[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> int | None:
        """Steps it will take: what it says, else what the job expected."""
        return self.progress.get("steps") or self.job.expected_steps

    @property
    def fraction(self) -> float | None:
        """Part of its steps that is done, 0 to 1; None until both numbers are known."""
        step, steps = self.progress.get("step"), self.steps
        return None if step is None or not steps else min(1.0, step / steps)

    def number(self, key: str, form: str) -> str:
        """A reported number in `form`, e.g. `.4f`; empty where there is none."""
        value = self.progress.get(key)
        return format(value, form) if isinstance(value, int | float) else ""

    def loss_text(self) -> str:
        """`validation loss 1.8213` of its last evaluation or, before one, that of a batch, named so.

        A batch's loss is of the loss trained with, and tells two arms apart by their luck.
        """
        known = {"validation loss": "val_loss", "training loss of one batch": "loss"}
        found = ((name, self.number(key, ".4f")) for name, key in known.items())
        return next((f"{name} {value}" for name, value in found if value), "")

    def step_text(self) -> str:
        """`step 120/300`, `step 120`, or the phase before the first step."""
        if (step := self.progress.get("step")) is None:
            return str(self.progress.get("phase", "starting"))
        return f"step {step}/{self.steps}" if self.steps else f"step {step}"


class Tally(Display):
    """Counts and rows of one sweep; its size does not grow with the runs that ended."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        Tally.begin(self, (), 1)

    def begin(self, jobs: Sequence[Job], workers: int) -> None:
        """Start counting."""
        self._workers = workers
        self._since = self.clock()
        self._waiting = Counter(job.group for job in jobs)
        self._pace = Pace()
        self.total = len(jobs)
        self.rows: dict[Job, Row] = {}
        self.counts: Counter[str] = Counter()

    def started(self, job: Job) -> None:
        """`job` went from waiting to running; one that `begin` did not name counts from here."""
        if self._waiting[job.group]:
            self._waiting[job.group] -= 1
        else:
            self.total += 1
        self.rows[job] = Row(job, self.clock())

    def progress(self, job: Job, report: Mapping[str, Any]) -> None:
        """`job` reported how far it is."""
        self.rows[job].progress.update(report)

    def count(self, job: Job, end: End) -> Row:
        """`job` ended, or waits again where it was busy; returns what it had reported."""
        if end.status == "busy":
            self._waiting[job.group] += 1
        else:
            self.counts[end.status] += 1
        self._pace.learn(job, end)
        return self.rows.pop(job)

    @property
    def done(self) -> int:
        """Jobs that have ended, well or badly."""
        return self.counts.total()

    def elapsed(self, row: Row | None = None) -> float:
        """Seconds since the sweep began, or since `row` started."""
        return self.clock() - (self._since if row is None else row.since)

    def remaining(self) -> float | None:
        """Seconds the sweep will still take, or None while nothing is known."""
        return remaining(
            finished=self._pace.groups,
            running=[
                Underway(row.job.group, self.elapsed(row), row.fraction)
                for row in self.rows.values()
            ],
            waiting=+self._waiting,
            workers=self._workers,
        )

    def left_text(self) -> str:
        """`, about 2 min left`; empty at the end and while nothing is known."""
        left = self.remaining() if self.done < self.total else None
        return "" if left is None else f", about {roughly(max(1.0, round(left)))} left"


def outcome(row: Row, end: End) -> str:
    """`finished in 61 s, validation loss 1.8213`, or how it failed and where its log is."""
    if end.status == "ok":
        return ", ".join(filter(None, (f"finished in {roughly(end.seconds)}", row.loss_text())))
    if end.status == "busy":
        return f"waits: {end.reason}"
    if end.status == "interrupted":
        own = end.reason and not end.reason.startswith("interrupted")
        return f"interrupted after {roughly(end.seconds)}" + (f": {end.reason}" if own else "")
    log = f" (log: {row.job.log})" if row.job.log else ""
    return f"failed after {roughly(end.seconds)}: {end.reason}{log}"
