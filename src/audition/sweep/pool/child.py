"""One run in a forked child: set the process up, call the entry, report how it ended, os._exit."""

import contextlib
import faulthandler
import logging
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, cast

from audition.errors import AuditionError, choices
from audition.machine import VISIBLE
from audition.reasons import cut
from audition.sweep.pool.wire import Message, post

ORPHAN_GRACE_S = 1.0
"""Time between SIGTERM and SIGKILL for a run whose server or parent is gone [s]."""
_REPORT_EVERY_S = 0.1

Report = Callable[[dict[str, Any]], None]
Entry = Callable[[dict[str, Any], Report], int | None]
Prepare = Callable[[dict[str, Any]], object]


class Reporter:
    """Progress to the parent: at most ten a second and lossy, so that training never waits.

    Reports are merged until they are due, so the newest value of every key is what arrives; a
    change of `phase` is due at once.
    """

    def __init__(self, writer: socket.socket, ticket: int) -> None:
        self._writer = writer
        self._ticket = ticket
        self._pending: dict[str, Any] = {}
        self._phase: Any = None
        self._due = 0.0

    def __call__(self, progress: dict[str, Any]) -> None:
        """Send `progress` (numbers and short texts), now or with the next report that is due."""
        self._pending.update(progress)
        now = time.monotonic()
        phase = self._pending.get("phase", self._phase)
        if now >= self._due or phase != self._phase:
            self._phase, self._due = phase, now + _REPORT_EVERY_S
            self.flush()

    def flush(self) -> None:
        """Send what is pending; what cannot be sent at once stays for the next time."""
        if self._pending and post(
            self._writer, {"ticket": self._ticket, "progress": self._pending}
        ):
            self._pending = {}

    def close(self, word: str = "") -> None:
        """Send what is pending, and `word`, the reason of a failure; waits a moment for room."""
        with contextlib.suppress(OSError):
            select.select([], [self._writer], [], ORPHAN_GRACE_S)
        self.flush()
        if word:
            post(self._writer, {"ticket": self._ticket, "word": cut(word)})


def live(request: Message, *, reports: socket.socket, lifeline: int) -> NoReturn:
    """Carry out one request, then os._exit: nothing of the server's stack is ever unwound.

    reports: writing end of the datagrams. lifeline: a pipe whose other end the server holds.
    Threads that the entry started are not waited for, and `atexit` is not run.
    """
    code, word = 1, ""
    reporter = Reporter(reports, request["ticket"])
    try:
        _settle(request, lifeline)
        code = _as_code(find_entry(request["entry"])(request["payload"], reporter))
    except SystemExit as leaving:
        code = _as_code(leaving.code)
    except AuditionError as error:
        traceback.print_exc()
        word = str(error)
    except BaseException as error:
        traceback.print_exc()
        word = f"raised {traceback.format_exception_only(error)[-1].strip()}"
    finally:
        with contextlib.suppress(BaseException):
            reporter.close(word)
            logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BaseException):
                stream.flush()
        os._exit(code)


def _settle(request: Message, lifeline: int) -> None:
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    _redirect(request["log"])
    faulthandler.enable()
    threading.Thread(target=_follow, args=(lifeline,), name="lifeline", daemon=True).start()
    os.chdir(request["folder"])
    os.environ["OMP_NUM_THREADS"] = str(request["threads"])
    if request["gpu"] is not None:
        os.environ[VISIBLE] = request["gpu"]
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(request["threads"])


def _redirect(log: str | None) -> None:
    """Append stdout and stderr to `log`: that of a busy run is being written by its holder too."""
    path = Path(log) if log is not None else Path(os.devnull)
    path.parent.mkdir(parents=True, exist_ok=True)
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)
    for stream in (sys.stdout, sys.stderr):
        # A killed run should leave the lines it had printed, and no locale should end it.
        stream.reconfigure(  # type: ignore[union-attr]
            line_buffering=True, encoding="utf-8", errors="backslashreplace"
        )


def _follow(lifeline: int) -> None:
    """Block until the server has exited, then end this run: SIGTERM, a second later SIGKILL."""
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ORPHAN_GRACE_S)
    os.kill(0, signal.SIGKILL)  # 0: this run's own process group


def _as_code(left: object) -> int:
    """Exit code for what an entry returned or sys.exit was given, by the interpreter's own rule."""
    if left is None:
        return 0
    if isinstance(left, int):
        return left & 0xFF
    print(left, file=sys.stderr)
    return 1


def find_entry(entry: str) -> Entry:
    """Import the module and take the function; raises AuditionError where either is missing."""
    module_name, _, function = entry.partition(":")
    try:
        module = import_module(module_name)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise AuditionError(f"entry '{entry}' cannot be imported: {why}") from error
    found = getattr(module, function, None)
    if not callable(found):
        known = [name for name, value in vars(module).items() if callable(value)]
        raise AuditionError(f"entry '{entry}' does not exist{choices(function, known)}")
    return cast(Entry, found)


def find_prepare(entry: str) -> Prepare:
    """The `prepare(payload)` that the entry's module may have, else one that does nothing.

    The server calls it with the first payload of each group, before the child is forked, so that
    what all runs of the group import and read is there for each of them. It must start no thread
    and touch no CUDA, because neither would survive the fork.
    """
    found = getattr(import_module(entry.partition(":")[0]), "prepare", None)
    return cast(Prepare, found) if callable(found) else lambda payload: None
