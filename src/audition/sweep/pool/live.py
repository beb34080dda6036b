"""The display on a terminal: a line for the sweep, and under it a row for each running job."""

import sys
from collections.abc import Sequence
from typing import TextIO

from rich import live
from rich.console import Console, Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from audition.sweep.pool.display import Row, Tally, outcome
from audition.sweep.pool.job import End, Job
from audition.text import roughly

EVERY_S = 0.25


class Live(Tally):
    """Drawn from the pool's own loop, at most four times a second: there is no second thread."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self._console = Console(file=out)
        # Another stream is taken over only where it would draw across the same terminal.
        self._live = live.Live(
            console=self._console, auto_refresh=False, redirect_stdout=sys.stdout.isatty()
        )
        self._due = 0.0

    def begin(self, jobs: Sequence[Job], workers: int) -> None:
        super().begin(jobs, workers)
        self._live.start()

    def ended(self, job: Job, end: End) -> None:
        """The row goes; a failure stays above the table."""
        row = self.count(job, end)
        if end.status == "failed":
            self._console.print(Text(f"{job.label} {outcome(row, end)}", style="red"))

    def note(self, text: str) -> None:
        """A line that stays above the table."""
        self._console.print(Text(text, style="yellow"))

    def tick(self) -> float:
        """Draw where a quarter of a second has gone by."""
        now = self.clock()
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
        for row in self.rows.values():
            table.add_row(*self._cells(row))
        return Group(self._summary(), table)

    def _summary(self) -> Text:
        left = self.total - self.done
        failed = self.counts["failed"]
        return Text.assemble(
            (f"{self.counts['ok']} finished", "green" if self.counts["ok"] else ""),
            " · ",
            (f"{failed} failed", "red" if failed else ""),
            f" · {left} left · {roughly(self.elapsed())} so far{self.left_text()}",
        )

    def _cells(self, row: Row) -> tuple[Text | ProgressBar, ...]:
        rate = row.number("units_per_s", ",.0f")
        return (
            Text(row.job.label, overflow="ellipsis", no_wrap=True),
            ProgressBar(total=1.0, completed=row.fraction or 0.0, width=16),
            Text(row.step_text(), no_wrap=True),
            Text(row.loss_text(), no_wrap=True),
            Text(f"{rate} {row.job.unit}/s" if rate else "", no_wrap=True),
            Text(roughly(self.elapsed(row)), no_wrap=True),
        )
