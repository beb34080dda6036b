"""The fork server: imports torch once, then forks a child for each request and reports its exit.

Started as `python -m audition.sweep.pool.server CONTROL REPORTS ALIVE` (inherited descriptors).
It has one thread and never touches CUDA, because neither would survive a fork.

Python's own fork server (`multiprocessing`) has no place for `prepare`, which imports what the runs of
an arm name and digests their text once an arm instead of once a run. Measured, that is worth 75 to
130 ms a run, and .3 to 6 s where a tracker is imported (TensorBoard, W&B, MLflow).
"""

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys
import time
from importlib import import_module
from multiprocessing.connection import Connection

from audition import frozen
from audition.errors import AuditionError
from audition.sweep.pool.child import ORPHAN_GRACE_S, find_entry, find_prepare, live
from audition.sweep.pool.wire import Message, receive, send


class ForkServer:
    """Forks, reaps and signals; when the parent exits, it ends its children and itself."""

    def __init__(self, control: Connection, reports: socket.socket) -> None:
        self._control = control
        self._reports = reports
        self._pids: dict[int, int] = {}  # ticket -> pid of the children not yet reaped
        self._prepared: set[str] = set()  # groups
        self._lifeline, self._held = os.pipe()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        # The handler does nothing; the byte it leaves in the wake-up socket ends `select`.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)

    def serve(self) -> None:
        """Until the parent closes its end or dies."""
        while True:
            keys = [key for key, _ in self._selector.select()]
            self._reap()
            try:
                if any(key.fileobj is self._control for key in keys):
                    self._obey()
            except (EOFError, OSError):
                return self._leave()

    def _obey(self) -> None:
        message = receive(self._control)
        if message["do"] == "start":
            self._start(message)
        elif message["do"] == "signal" and message["ticket"] in self._pids:
            self._signal(self._pids[message["ticket"]], message["signal"])

    def _start(self, request: Message) -> None:
        ticket = request["ticket"]
        self._prepare(request)
        try:
            pid = os.fork()
        except OSError as error:
            word = f"could not be started: {error.strerror}"
            return send(self._control, {"ticket": ticket, "ended": 1, "word": word})
        if pid == 0:
            self._become_child(request)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        self._pids[ticket] = pid
        send(self._control, {"ticket": ticket, "pid": pid})

    def _prepare(self, request: Message) -> None:
        """Errors are ignored: the same one is raised again in the child, which reports it."""
        if request["group"] not in self._prepared:
            self._prepared.add(request["group"])
            frozen.hear()
            with contextlib.suppress(Exception):
                find_prepare(request["entry"])(request["payload"])
            gc.freeze()

    def _become_child(self, request: Message) -> None:
        signal.set_wakeup_fd(-1)
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        self._selector.close()
        for ours in (self._control, self._wake, self._woken):
            ours.close()
        os.close(self._held)
        live(request, reports=self._reports, lifeline=self._lifeline)

    @staticmethod
    def _signal(pid: int, number: int) -> None:
        """A request goes to the run alone; a kill takes whatever processes it started along."""
        with contextlib.suppress(OSError):
            if number == signal.SIGKILL:
                os.killpg(pid, number)
            else:
                os.kill(pid, number)

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake.recv(4096)
        for ticket, pid in list(self._pids.items()):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                del self._pids[ticket]
                ended = {"ticket": ticket, "ended": os.waitstatus_to_exitcode(status)}
                with contextlib.suppress(OSError):
                    send(self._control, ended)

    def _leave(self) -> None:
        """The parent has exited: end the children, by SIGTERM and a second later by SIGKILL."""
        self._selector.unregister(self._control)
        for pid in self._pids.values():
            self._signal(pid, signal.SIGTERM)
        deadline = time.monotonic() + ORPHAN_GRACE_S
        while self._pids and (left := deadline - time.monotonic()) > 0:
            self._selector.select(timeout=left)
            self._reap()
        for pid in self._pids.values():
            self._signal(pid, signal.SIGKILL)


def _preload(modules: list[str]) -> list[str]:
    """Import each; a sentence for every one that could not be."""
    failures = []
    for module in modules:
        try:
            import_module(module)
        except Exception as error:
            failures.append(f"cannot preload '{module}': {type(error).__name__}: {error}")
    return failures


def main() -> None:
    """Read the settings from the control socket, get warm, serve."""
    # A cluster signals every process of a job; this one ends with the parent, after the runs.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    control_fd, reports_fd, alive = map(int, sys.argv[1:])
    for descriptor in (control_fd, reports_fd, alive):
        # What a run starts by itself (git, a tracker) must not hold the parent's pipes open.
        os.set_inheritable(descriptor, False)
    control, reports = Connection(control_fd), socket.socket(fileno=reports_fd)
    try:
        settings = receive(control)
    except EOFError:
        return
    sys.path[:] = settings["path"]
    os.environ.pop("PYTHONPATH", None)
    os.environ.update(settings["environment"])
    notes, error = _preload(settings["preload"]), ""
    try:
        find_entry(settings["entry"])
    except AuditionError as problem:
        error = str(problem)
    gc.collect()
    gc.freeze()  # children then share these pages instead of copying them at their first collection
    server = ForkServer(control, reports)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    try:
        send(control, {"ready": os.getpid(), "notes": notes, "error": error})
    except OSError:
        return
    server.serve()
    os._exit(0)  # torch takes a tenth of a second to be taken apart


if __name__ == "__main__":
    main()
