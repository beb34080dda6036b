"""What a person sees of the pool: the interface, whose defaults show nothing, and the choice."""

import math
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from audition.sweep.pool.job import End, Job


class Display:
    """Called by the pool at every event. This base class shows nothing."""

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
        """Draw if it is time; return in how many seconds to be called again (inf for never)."""
        return math.inf

    def close(self) -> None:
        """The sweep is over, or was stopped."""


def display_for(stream: TextIO | None = None) -> Display:
    """A live table where `stream` (stderr by default) is a terminal, else a line for each end."""
    out = sys.stderr if stream is None else stream
    if out.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        from audition.sweep.pool.live import Live

        return Live(out)
    from audition.sweep.pool.lines import PlainLines

    return PlainLines(out)
