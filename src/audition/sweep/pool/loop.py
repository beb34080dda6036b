"""The pool's loop: start a child for each job, follow it to its end, replace a server that died."""

import contextlib
import math
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from audition.machine import VISIBLE
from audition.sweep.pool.client import Server, ServerLost, warm
from audition.sweep.pool.display import Display
from audition.sweep.pool.exit_reason import end_of, interrupted
from audition.sweep.pool.job import End, Job, PoolSettings
from audition.sweep.pool.queue import Queue, Source, Waiting
from audition.sweep.pool.wire import Message

OnEnd = Callable[[Job, End], None]

_AFTER_KILL_S = 2.0


@dataclass
class _Running:
    turn: Waiting
    slot: int
    since: float
    deadline: float
    stopped: str = ""  # why the pool is ending it
    unwanted: bool = False  # whether its source asked for that
    word: str = ""  # what the child said of its failure

    def seconds(self) -> float:
        return time.monotonic() - self.since


class _Pool:
    def __init__(
        self,
        jobs: Sequence[Job],
        settings: PoolSettings,
        server: Server,
        on_end: OnEnd,
        show: Display,
        source: Source | None = None,
    ) -> None:
        self._settings = settings
        self._server = server
        self._on_end = on_end
        self._show = show
        self._queue = Queue(jobs, source)
        self._gpus = settings.slots(os.environ.get(VISIBLE))
        self._free = list(range(len(self._gpus)))
        self._running: dict[int, _Running] = {}
        self._tickets = 0

    @property
    def workers(self) -> int:
        return len(self._gpus)

    def run(self) -> None:
        """Until the queue is empty and no job runs."""
        while True:
            self._start_what_can()
            # Not before: a source may have had its last job, and then no message would follow.
            if not (self._queue or self._running):
                return
            try:
                messages = self._server.poll(self._patience())
            except ServerLost as lost:
                self._lose_all(f"lost with its fork server ({lost})")
                self._server.restart()
                continue
            for message in messages:
                self._hear(message)
            self._stop_the_late()

    def _start_what_can(self) -> None:
        now = time.monotonic()
        while self._server.ready and self._free and (turn := self._queue.take(now)):
            self._tickets += 1
            slot = min(self._free)
            self._free.remove(slot)
            limit = math.inf if self._settings.timeout_s is None else self._settings.timeout_s
            self._running[self._tickets] = _Running(turn, slot, now, now + limit)
            self._server.start(
                self._tickets, turn.job, threads=self._settings.threads, gpu=self._gpus[slot]
            )
            self._show.started(turn.job)

    def _patience(self) -> float | None:
        """Seconds until something must be done even without a message; None for never."""
        moments = [running.deadline for running in self._running.values()]
        if self._free and self._server.ready:
            moments += self._queue.moments()
        wait = min(min(moments, default=math.inf) - time.monotonic(), self._show.tick())
        return None if math.isinf(wait) else max(0.0, wait)

    def _hear(self, message: Message) -> None:
        for note in message.get("notes", ()):
            self._show.note(note)
        running = self._running.get(message.get("ticket", 0))
        if running is None:
            return
        running.word = message.get("word", running.word)
        if "progress" in message:
            self._show.progress(running.turn.job, message["progress"])
            why = (
                "" if running.stopped else self._queue.stops(running.turn.job, message["progress"])
            )
            if why:
                running.unwanted = True
                self._ask_to_stop(message["ticket"], why)
        elif "ended" in message:
            self._finish(message["ticket"], message["ended"])

    def _finish(self, ticket: int, code: int) -> None:
        running = self._running.pop(ticket)
        self._free.append(running.slot)
        end = end_of(code, running.seconds(), word=running.word, stopped=running.stopped)
        if running.unwanted and end.status == "failed":
            end = replace(end, status="interrupted")
        self._show.ended(running.turn.job, end)
        if end.status == "busy":
            self._queue.put_back(running.turn, time.monotonic())
        else:
            self._queue.learn(running.turn.job, end)
            self._on_end(running.turn.job, end)

    def _stop_the_late(self) -> None:
        now = time.monotonic()
        for ticket, running in self._running.items():
            if running.deadline > now:
                continue
            if not running.stopped:
                self._ask_to_stop(ticket, f"timed out after {self._settings.timeout_s:g} s")
            else:
                running.deadline = math.inf
                self._server.signal(ticket, signal.SIGKILL)

    def _ask_to_stop(self, ticket: int, why: str) -> None:
        running = self._running[ticket]
        running.stopped = why
        running.deadline = time.monotonic() + self._settings.grace_s
        self._server.signal(ticket, signal.SIGTERM)

    def _lose_all(self, reason: str) -> None:
        while self._running:
            _, running = self._running.popitem()
            self._free.append(running.slot)
            end = End(status="failed", seconds=running.seconds(), reason=running.stopped or reason)
            self._show.ended(running.turn.job, end)
            self._queue.learn(running.turn.job, end)
            self._on_end(running.turn.job, end)

    def stop(self) -> None:
        """End what still runs: SIGTERM, a grace, SIGKILL. A second Ctrl-C skips the grace."""
        stopped = dict(self._running)
        codes: dict[int, int] = {}
        if stopped:
            self._show.note(f"stopping the runs under way ({len(stopped)})")
        try:
            self._signal_and_wait(signal.SIGTERM, self._settings.grace_s, codes)
        except KeyboardInterrupt:
            self._show.note("killing what is left")
        self._signal_and_wait(signal.SIGKILL, _AFTER_KILL_S, codes)
        self._running.clear()
        for ticket, running in stopped.items():
            code = codes.get(ticket)
            end = interrupted(code, running.seconds())
            self._show.ended(running.turn.job, end)
            self._on_end(running.turn.job, end)

    def _signal_and_wait(self, number: int, seconds: float, codes: dict[int, int]) -> None:
        """Signal all that run and gather their exit codes for at most `seconds`."""
        for ticket in self._running:
            self._server.signal(ticket, number)
        deadline = time.monotonic() + seconds
        while self._running and (left := deadline - time.monotonic()) > 0:
            try:
                messages = self._server.poll(left)
            except ServerLost:
                return self._running.clear()
            for message in messages:
                if "ended" in message and message["ticket"] in self._running:
                    codes[message["ticket"]] = message["ended"]
                    del self._running[message["ticket"]]


def run_pool(
    jobs: Sequence[Job],
    settings: PoolSettings,
    *,
    on_end: OnEnd,
    display: Display,
    server: Server | None = None,
    source: Source | None = None,
    known: Sequence[Job] = (),
) -> None:
    """Run every job, the longest first, and call `on_end` once for each that ended.

    Jobs expected to take equally long, or of which nothing is known, keep the order given; one that
    another process holds (exit code 75) goes to the tail of the queue until it is free.
    server: one that is getting warm already (`warm`); it stays the caller's to end.
    source: further jobs, asked for one by one as slots are free; the pool ends when it has none
    and no job runs. known: those of them that the display should count from the beginning.
    Raises AuditionError for an entry or a card that does not exist. On KeyboardInterrupt, or
    whatever `on_end` raises, the runs under way are stopped and end as `interrupted`; jobs that
    never started are not reported.
    """
    with contextlib.ExitStack() as stack:
        if not jobs and source is None:
            return
        pool_server = server or stack.enter_context(warm(settings))
        pool = _Pool(jobs, settings, pool_server, on_end, display, source)
        display.begin([*jobs, *known], pool.workers)
        stack.callback(display.close)
        try:
            pool.run()
        except BaseException:
            pool.stop()
            raise
