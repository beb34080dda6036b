"""The parent's side of its fork server: start it, send it requests, notice when it dies."""

import contextlib
import os
import select
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from typing import IO

from audition.errors import AuditionError
from audition.sweep.pool.job import Job, PoolSettings
from audition.sweep.pool.wire import Message, collect, datagrams, receive, send

BEFORE = -1
"""The ticket of what is done before the pool gives out its own, which count from 0 up."""

_MOST_FRUITLESS_STARTS = 3
_FAREWELL_S = 2.5
"""Time for a server and its children to exit by themselves; unless stuck they take 1 s [s]."""


class ServerLost(Exception):
    """The server died; its text says how. Whatever ran on it is lost."""


class Server:
    """A fork server that may die and be started again; use it through `warm`."""

    def __init__(self, settings: PoolSettings) -> None:
        self._settings = settings
        self._fruitless = 0
        self._pids: dict[int, int] = {}  # ticket -> pid of the children not known to have ended
        self._unheard: list[Message] = []
        self._start()

    def _start(self) -> None:
        self._control, theirs = Pipe()
        self._reports, reports = datagrams()
        # All forked children inherit the write end: EOF means that every one of them has exited.
        self._alive, alive = os.pipe()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the server)
        given = (theirs.fileno(), reports.fileno(), alive)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "audition.sweep.pool.server", *map(str, given)],
                stdin=subprocess.DEVNULL,
                stdout=self._errors,
                stderr=self._errors,
                pass_fds=given,
                env=environment(),
                start_new_session=True,  # a terminal's Ctrl-C is for the parent alone
            )
        finally:
            os.close(alive)
            theirs.close()
            reports.close()
        self.ready, self._open = False, True
        self.pid = self._process.pid
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._reports, selectors.EVENT_READ)
        self._send(
            {
                "path": [place or os.getcwd() for place in sys.path],
                "environment": {
                    name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ
                },
                "preload": list(self._settings.preload),
                "entry": self._settings.entry,
            }
        )

    def start(
        self, ticket: int, job: Job, *, threads: int, gpu: str | None, entry: str = ""
    ) -> None:
        """Ask for a child; `ticket` names it in every later message. entry: another than the pool's."""
        self._send(
            {
                "do": "start",
                "ticket": ticket,
                "entry": entry or self._settings.entry,
                "group": job.group,
                "payload": dict(job.payload),
                "threads": threads,
                "gpu": gpu,
                "log": None if job.log is None else os.path.abspath(job.log),
                "folder": os.getcwd(),
            }
        )

    def do(self, entry: str, job: Job) -> int:
        """Run one job with another `entry` before the pool begins, and return its exit code.

        Other messages that arrive meanwhile come with the next `poll`. Raises as `poll` does.
        """
        heard: list[Message] = []
        self.start(BEFORE, job, threads=1, gpu=None, entry=entry)
        while True:
            for message in self.poll(None):
                if message.get("ticket") != BEFORE:
                    heard.append(message)
                elif "ended" in message:
                    self._unheard = heard
                    return int(message["ended"])

    def signal(self, ticket: int, number: int) -> None:
        """Send a signal to a child; nothing where it has already ended."""
        self._send({"do": "signal", "ticket": ticket, "signal": int(number)})

    def _send(self, message: Message) -> None:
        with contextlib.suppress(OSError):  # its death is noticed by `poll`
            send(self._control, message)

    def poll(self, timeout: float | None) -> list[Message]:
        """What came within `timeout` [s]: progress first, so that none is younger than its end.

        Raises ServerLost where the server has died, AuditionError where the entry is missing.
        """
        if self._unheard:
            unheard, self._unheard = self._unheard, []
            return unheard
        keys = [key for key, _ in self._selector.select(timeout)]
        if not any(key.fileobj is self._control for key in keys):
            return collect(self._reports)
        try:
            answer = receive(self._control)
        except EOFError:
            raise ServerLost(self._how_it_died()) from None
        if answer.get("error"):
            raise AuditionError(answer["error"])
        self._note(answer)
        return [*collect(self._reports), answer]

    def _note(self, answer: Message) -> None:
        if "ready" in answer:
            self.ready, self._fruitless = True, 0
        elif "pid" in answer:
            self._pids[answer["ticket"]] = answer["pid"]
        elif "ended" in answer:
            self._pids.pop(answer["ticket"], None)

    def restart(self) -> None:
        """Start a new server after ServerLost, once the dead one's children have exited.

        Raises AuditionError where three in a row died before they were warm.
        """
        self._fruitless += 1
        if self._fruitless >= _MOST_FRUITLESS_STARTS:
            how = self._how_it_died()
            raise AuditionError(
                f"the fork server died {self._fruitless} times while starting: {how}."
            )
        self._bury()
        self._start()

    def close(self) -> None:
        """End the server and whatever still runs on it; the second time it does nothing."""
        if self._open:
            self._bury()

    def _bury(self) -> None:
        self._open = False
        self._selector.close()
        self._control.close()
        if not self.ready:  # no child yet, and an import may take seconds
            self._process.kill()
        gone, _, _ = select.select([self._alive], [], [], _FAREWELL_S)
        self._process.kill()
        self._process.wait()
        for pid in () if gone else self._pids.values():
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
        self._pids = {}
        os.close(self._alive)
        self._reports.close()
        self._errors.close()

    def _how_it_died(self) -> str:
        code = self._process.wait()
        said = b""
        with contextlib.suppress(OSError, ValueError):
            self._errors.seek(max(0, os.fstat(self._errors.fileno()).st_size - 2000))
            said = self._errors.read().strip()
        last = said.splitlines()[-1].decode(errors="replace") if said else ""
        how = f"killed by signal {-code}" if code < 0 else f"exited with code {code}"
        return f"{how}, {last}" if last else how


@contextmanager
def warm(settings: PoolSettings) -> Iterator[Server]:
    """A server that is getting warm while the caller goes on; ended with the block.

    Only `preload` and `entry` matter to it, so the number of workers may still be open.
    """
    server = Server(settings)
    try:
        yield server
    finally:
        server.close()


_HEAP = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""For glibc, which reads it when a process starts: keep freed memory for the next step, and ask for
it in large pages. Handed back, it returns page fault by page fault, up to 3,000 in a step of the
nano model, a tenth of the step's time."""


def environment() -> dict[str, str]:
    """The server's environment; it puts back PYTHONPATH itself before it forks anything."""
    extra = {
        "PYTHONPATH": os.pathsep.join(place or os.getcwd() for place in sys.path),
        # One thread while importing: OpenMP and BLAS threads do not survive a fork. Each child
        # then takes its own number.
        "OMP_NUM_THREADS": "1",
        # Lets torch count cards without the CUDA runtime, which a fork would break.
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
    }
    if sys.platform == "darwin":
        extra["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
    return {**_HEAP, **os.environ, **extra}
