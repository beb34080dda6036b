"""What the pool's tests listen with, and how they watch processes."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audition.sweep.pool import Display, End, Job

HERE = Path(__file__).parent


@dataclass
class Told(Display):
    """A display, and an `on_end`, that keep all they hear."""

    ends: dict[str, End] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    attempts: list[tuple[str, str]] = field(default_factory=list)

    def started(self, job: Job) -> None:
        self.order.append(job.label)

    def progress(self, job: Job, report: Mapping[str, Any]) -> None:
        self.reports.setdefault(job.label, {}).update(report)

    def ended(self, job: Job, end: End) -> None:
        self.attempts.append((job.label, end.status))

    def note(self, text: str) -> None:
        self.notes.append(text)

    def on_end(self, job: Job, end: End) -> None:
        assert job.label not in self.ends, "an end was told twice"
        self.ends[job.label] = end


RunJobs = Callable[..., Told]


def alive(pid: int) -> bool:
    """Whether a process runs: a zombie that nobody has reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(condition: Callable[[], Any], seconds: float = 300.0) -> Any:
    """What `condition` returned once it was true; fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
    return found
