"""The display on a terminal: a line for the sweep, and under it a row for each running job."""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rich import live
from rich.console import Console, Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from audition.sweep.pool.job import End, Job
from audition.sweep.pool.lines import outcome
from audition.sweep.pool.tally import Row, Tally
from audition.text import roughly

EVERY_S = 0.25


class Live:
    """Drawn from the pool's own loop, at most four times a second: there is no second thread."""

    def __init__(self, out: TextIO) -> None:
        self._console = Console(file=out)
        # Another stream is taken over only where it would draw across the same terminal.
        self._live = live.Live(
            console=self._console, auto_refresh=False, redirect_stdout=sys.stdout.isatty()
        )
        self._tally = Tally((), 1)
        self._due = 0.0

    def begin(self, jobs: Sequence[Job], workers: int) -> None:
        """Start counting and drawing."""
        self._tally = Tally(jobs, workers)
        self._live.start()

    def started(self, job: Job) -> None:
        """A new row."""
        self._tally.started(job)

    def progress(self, job: Job, report: Mapping[str, Any]) -> None:
        """Kept until the next drawing."""
        self._tally.progress(job, report)

    def ended(self, job: Job, end: End) -> None:
        """The row goes; a failure stays above the table."""
        row = self._tally.ended(job, end)
        if end.status == "failed":
            self._console.print(Text(f"{job.label} {outcome(row, end)}", style="red"))

    def note(self, text: str) -> None:
        """A line that stays above the table."""
        self._console.print(Text(text, style="yellow"))

    def tick(self) -> float:
        """Draw where a quarter of a second has gone by."""
        now = time.monotonic()
        if now >= self._due:
            self._due = now + EVERY_S
            self._live.update(self._picture(), refresh=True)
        return self._due - now

    def close(self) -> None:
        """The last picture stays: the sweep's line alone, if all went to the end."""
        self._live.update(self._picture(), refresh=True)
        self._live.stop()

    def _picture(self) -> Group:
        table = Table.grid(padding=(0, 2, 0, 0))
        for row in self._tally.rows.values():
            table.add_row(*self._cells(row))
        return Group(self._summary(), table)

    def _summary(self) -> Text:
        tally = self._tally
        left = tally.total - tally.done
        failed = tally.counts["failed"]
        return Text.assemble(
            (f"{tally.counts['ok']} finished", "green" if tally.counts["ok"] else ""),
            " · ",
            (f"{failed} failed", "red" if failed else ""),
            f" · {left} left · {roughly(tally.elapsed())} so far{tally.left_text()}",
        )

    def _cells(self, row: Row) -> tuple[Text | ProgressBar, ...]:
        rate = row.number("units_per_s", ",.0f")
        loss = row.number("loss", ".4f")
        return (
            Text(row.job.label, overflow="ellipsis", no_wrap=True),
            ProgressBar(total=1.0, completed=row.fraction or 0.0, width=24),
            Text(row.step_text(), no_wrap=True),
            Text(f"loss {loss}" if loss else "", no_wrap=True),
            Text(f"{rate} {row.job.unit}/s" if rate else "", no_wrap=True),
            Text(roughly(self._tally.elapsed(row)), no_wrap=True),
        )
