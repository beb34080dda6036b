"""What a person sees of the pool: the interface, the one that shows nothing, and the choice."""

import math
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TextIO

from audition.sweep.pool.job import End, Job


class Display(Protocol):
    """Told of everything by the pool, in this order; it looks and never touches."""

    def begin(self, jobs: Sequence[Job], workers: int) -> None:
        """The sweep begins, `workers` runs at once."""

    def started(self, job: Job) -> None:
        """A child was asked for."""

    def progress(self, job: Job, report: Mapping[str, Any]) -> None:
        """A running job said how far it is: step, steps, loss, units_per_s, phase; any or none."""

    def ended(self, job: Job, end: End) -> None:
        """One attempt ended; a `busy` job will be started again later."""

    def note(self, text: str) -> None:
        """Something a person should know."""

    def tick(self) -> float:
        """Draw if it is time, and say in how many seconds to be called again (inf for never)."""

    def close(self) -> None:
        """The sweep is over, or was stopped."""


class Quiet:
    """The neutral display: it shows nothing."""

    def begin(self, jobs: Sequence[Job], workers: int) -> None:
        """Nothing."""

    def started(self, job: Job) -> None:
        """Nothing."""

    def progress(self, job: Job, report: Mapping[str, Any]) -> None:
        """Nothing."""

    def ended(self, job: Job, end: End) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def tick(self) -> float:
        """Never needs to be called."""
        return math.inf

    def close(self) -> None:
        """Nothing."""


def display_for(stream: TextIO | None = None) -> Display:
    """A live table where `stream` (stderr by default) is a terminal, else a line for each end."""
    out = sys.stderr if stream is None else stream
    if out.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        from audition.sweep.pool.live import Live

        return Live(out)
    from audition.sweep.pool.lines import PlainLines

    return PlainLines(out)
