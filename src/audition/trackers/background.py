"""A tracker fed by a queue, in its own thread: however it fails or hangs, the run goes on.

The run puts lines into the queue and never waits, except at its end, for a limited time. What the
tracker was too slow to take is dropped, and reported once.
"""

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from audition.reasons import cut
from audition.records.metrics import Line
from audition.trackers.tracker import Tracker

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How much a tracker may be behind, and how long a run waits for it at its end."""

    lines: int = 10_000
    """Lines that wait at most: a run of a hundred thousand steps, by default."""
    seconds: float = 10.0
    """Longest wait for the tracker at the end of a run [s]."""


@dataclass(frozen=True)
class _End:
    status: str
    facts: Mapping[str, Any]


class BackgroundTracker:
    """One tracker of one run.

    Args:
        name: of the tracker, for a person.
        tracker: called from one thread alone, in the order of its protocol.
        say: called with what went wrong, on the run's own thread.
    """

    def __init__(
        self, name: str, tracker: Tracker, say: Say, patience: Patience | None = None
    ) -> None:
        self.name, self.tracker, self.say = name, tracker, say
        self.patience = patience or Patience()
        self._lines: queue.Queue[Line | _End] = queue.Queue(self.patience.lines)
        self._said: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._dead = self._dropped = False

    def begin(self, earlier: Sequence[Line] = ()) -> None:
        """Open the tracker; returns at once."""
        # A daemon: a tracker that hangs must not keep the process from ending.
        self._thread = threading.Thread(
            target=self._follow, args=(earlier,), name=f"tracker {self.name}", daemon=True
        )
        self._thread.start()

    def take(self, line: Line) -> None:
        """Hand a line over, or drop it where too many wait."""
        self._hear()
        if self._dead:
            return
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            if not self._dropped:
                self.say(f"{self.name} is too slow: it does not have every line of metrics.jsonl")
            self._dropped = True

    def end(self, status: str, facts: Mapping[str, Any] | None = None) -> None:
        """Close the tracker, and wait for it within its patience; a second time does nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        deadline = time.monotonic() + self.patience.seconds
        with suppress(queue.Full):
            wait = 0.0 if self._dead else self.patience.seconds
            self._lines.put(_End(status, facts or {}), timeout=wait)
        thread.join(max(0.0, deadline - time.monotonic()))
        self._hear()
        if thread.is_alive():
            self.say(
                f"{self.name} was not done {self.patience.seconds:g} s after the run: it was left"
            )

    def _hear(self) -> None:
        """Report what the thread has reported."""
        while not self._said.empty():
            self.say(self._said.get())

    def _follow(self, earlier: Sequence[Line]) -> None:
        doing = "begin"
        try:
            if note := self.tracker.open(earlier):
                self._said.put(note)
            doing = "go on"
            while not isinstance(line := self._lines.get(), _End):
                self.tracker.write(line)
            doing = "end"
            self.tracker.close(line.status, line.facts)
        except BaseException as error:
            # Whatever it is: on this thread it may stop the tracker, and nothing else.
            self._dead = True
            said = str(error).strip().splitlines()
            why = f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
            self._said.put(f"{self.name} could not {doing} ({cut(why, 200)}): it misses this run")
            if doing == "begin":
                return
            self._abandon()

    def _abandon(self) -> None:
        """A page that is left open would be taken for the next run's."""
        try:
            self.tracker.close("failed", {})
        except BaseException:
            self._dead = True
