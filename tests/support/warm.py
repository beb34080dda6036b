"""Commands of Audition as forks of one process that has imported everything: real, and quick to start.

A command that a test starts has a process, streams, an environment and an exit code of its own, as
from a shell, and so has the fork server that a sweep starts. They save the three seconds of CPU in
which Python imports torch. Where imports themselves are the question, or edited sources, or Python's
own options, a test starts Python.
"""

import atexit
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import IO, Any, ClassVar, NoReturn

from filelock import FileLock

ROOT = Path(__file__).parents[2]

PATIENCE_S = 900.0
"""After which what was waited for hangs; no test passes or fails by how fast a machine is."""


@dataclass(frozen=True)
class Request:
    """What Python is asked for: `python -m MODULE WORDS`, or `python -P -m MODULE WORDS`."""

    module: str
    words: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    numbers: Sequence[int]
    """Of the descriptors that are handed over with it, in their order."""
    leads: bool = False
    """Whether it is to be the head of a session."""
    safe: bool = False
    """Whether modules in its folder are not to be found, as after `-P`."""
    terminal: bool = False
    """Whether what it prints to is to be the terminal of that session."""
    ignores: Sequence[int] = ()
    """Signals that whoever starts it ignores, as `nohup` does."""


class Command:
    """A running command; the part of `subprocess.Popen` that tests need."""

    def __init__(
        self,
        words: Sequence[str],
        status: socket.socket,
        streams: Sequence[int],
        spent: Callable[[float], None],
    ) -> None:
        self.args = list(words)
        self._spent = spent
        self.returncode: int | None = None
        self.stdout, self.stderr = (
            os.fdopen(stream, encoding="utf-8", errors="replace") for stream in streams
        )
        self._status = status
        self.pid = int(status.recv(64))

    def poll(self) -> int | None:
        """The exit code (after a signal minus its number); None while it runs."""
        return self._look(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once the command has ended. Raises TimeoutExpired."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return code

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            code, seconds = self._status.recv(64).split()
            self.returncode = int(code)
            self._spent(float(seconds))
            self._status.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Everything it prints, once it has ended. Raises TimeoutExpired."""
        said = ["", ""]

        def read(number: int, stream: IO[str]) -> None:
            said[number] = stream.read()

        readers = [
            Thread(target=read, args=each, daemon=True)
            for each in enumerate((self.stdout, self.stderr))
        ]
        until = None if timeout is None else time.monotonic() + timeout
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(None if until is None else max(0.0, until - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        self.wait(timeout)
        self.stdout.close()
        self.stderr.close()
        return said[0], said[1]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> "Command":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.kill()
        self.wait()
        self.stdout.close()
        self.stderr.close()


class Warm:
    """The process that has imported everything; it is started for the first command.

    `prefix` is a command that it is started by, which takes rights away, say. Those of one `folder`
    share a process, which ends with the last of them: the workers of pytest-xdist.
    """

    spent: ClassVar[float] = 0.0
    """CPU seconds of all commands that have ended."""

    def __init__(self, folder: Path, prefix: Sequence[str] = ()) -> None:
        self._folder, self._prefix = folder, prefix
        self._control: socket.socket | None = None

    @classmethod
    def _spend(cls, seconds: float) -> None:
        cls.spent += seconds

    def begin(
        self,
        module: str,
        *words: str,
        cwd: Path = ROOT,
        env: Mapping[str, str] | None = None,
        start_new_session: bool = False,
        streams: tuple[int, int] | None = None,
        terminal: bool = False,
        ignores: Sequence[int] = (),
    ) -> Command:
        """`python -m MODULE WORDS`, under way; `streams` take what it prints, else the command does."""
        if self._control is None:
            self._control = _reach(self._folder, self._prefix)
        status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        (out, said_out), (err, said_err) = os.pipe(), os.pipe()
        printed = (said_out, said_err) if streams is None else streams
        request = Request(
            module=module,
            words=words,
            folder=str(cwd),
            environment=dict(os.environ if env is None else env),
            numbers=(1, 2),
            leads=start_new_session,
            terminal=terminal,
            ignores=ignores,
        )
        _send(self._control, request, (*printed, theirs.fileno()))
        theirs.close()
        os.close(said_out)
        os.close(said_err)
        return Command([module, *words], status, (out, err), self._spend)

    def run(
        self, module: str, *words: str, timeout: float = PATIENCE_S, **how: Any
    ) -> "subprocess.CompletedProcess[str]":
        """A command to its end, with everything it printed."""
        with self.begin(module, *words, **how) as command:
            stdout, stderr = command.communicate(timeout=timeout)
            return subprocess.CompletedProcess(command.args, command.wait(), stdout, stderr)

    def close(self) -> None:
        if self._control is not None:
            self._control.close()


def _reach(folder: Path, prefix: Sequence[str]) -> socket.socket:
    """A line to the process of `folder`, which the first to ask starts."""
    address = "\0audition " + sha256(os.fsencode(folder / " ".join(prefix))).hexdigest()
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with FileLock(folder / "warm.lock"):
        with suppress(OSError):
            control.connect(address)
            return control
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
            door.bind(address)
            door.listen()
            subprocess.run(
                [*prefix, sys.executable, __file__, str(door.fileno())],
                cwd=ROOT,
                pass_fds=[door.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                check=True,
            )
            control.connect(address)
    return control


def _send(to: socket.socket, request: Request, handed: Sequence[int]) -> None:
    socket.send_fds(to, [json.dumps(asdict(request)).encode()], list(handed))


def _receive(control: socket.socket) -> tuple[Request, list[int]] | None:
    """The next request; None where there will be none."""
    message, handed, _, _ = socket.recv_fds(control, 1 << 18, 16)
    return (Request(**json.loads(message)), list(handed)) if message else None


def serve(door: socket.socket) -> None:
    """Fork a process for each request, which becomes what is asked for; ends when all have left."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    lines = [door.accept()[0]]
    while lines:
        ready = select.select([door, *lines], [], [])[0]
        if door in ready:
            lines.append(door.accept()[0])
        for control in ready:
            if control is not door and not _obey(control, [door, *lines]):
                lines.remove(control)
                control.close()


def _obey(control: socket.socket, ours: Sequence[socket.socket]) -> bool:
    """Begin the next command of a line; False where there will be none."""
    received = _receive(control)
    if received is not None:
        request, handed = received
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for each in ours:
                each.close()
            *handed, status = handed
            pid = os.fork()
            if pid == 0:
                os.close(status)
                _take(request, handed)
                spares = [_spare() for _ in range(2)]
                _patch(spares)
                become(request)
            _wait(pid, socket.socket(fileno=status), handed)
        for number in handed:
            os.close(number)
    return received is not None


def _wait(pid: int, status: socket.socket, streams: Sequence[int]) -> NoReturn:
    for stream in (0, 1, 2, *streams):
        os.close(stream)
    with suppress(OSError):
        status.send(str(pid).encode())
        _, code, used = os.wait4(pid, 0)
        seconds = used.ru_utime + used.ru_stime
        status.send(f"{os.waitstatus_to_exitcode(code)} {seconds}".encode())
    os._exit(0)


def _take(request: Request, handed: Sequence[int]) -> None:
    """Give the descriptors the numbers that they are to have, and close all others."""
    above = max((2, *request.numbers)) + 1
    moved = [fcntl.fcntl(each, fcntl.F_DUPFD, above) for each in handed]
    for number, each in zip(request.numbers, moved, strict=True):
        os.dup2(each, number)
    kept = {0, 1, 2, *request.numbers}
    for number in map(int, os.listdir("/proc/self/fd")):
        if number not in kept:
            with suppress(OSError):
                os.close(number)


def become(request: Request) -> NoReturn:
    """Turn this process into what is asked for: what Python does before it runs `__main__`."""
    import importlib
    import io
    import runpy

    if request.leads:
        os.setsid()
    if request.terminal:
        fcntl.ioctl(1, termios.TIOCSCTTY, 0)
    for number in request.ignores:
        signal.signal(number, signal.SIG_IGN)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    more = request.environment.get("PYTHONPATH", "")
    own = [] if request.safe else [request.folder]
    sys.path[:0] = [*own, *filter(None, more.split(os.pathsep))]
    importlib.invalidate_caches()
    importlib.import_module("audition.frozen").take_up()  # as the import of the package does
    out, err = (io.FileIO(number, "w", closefd=False) for number in (1, 2))
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(io.BufferedWriter(out), "utf-8")
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(
        io.BufferedWriter(err), "utf-8", "backslashreplace", line_buffering=True
    )
    code: Any = 0
    try:
        if request.module == "audition":
            sys.argv = [str(Path(sys.executable).with_name("audition")), *request.words]
            importlib.import_module("audition.cli.ledger").main()
        else:
            sys.argv = ["", *request.words]
            runpy.run_module(request.module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    _end(code)


def _end(code: Any) -> NoReturn:
    """Exit as Python does, without taking apart what was imported: that would copy every page of it."""
    if isinstance(code, str):
        print(code, file=sys.stderr)
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


Spare = tuple[int, socket.socket]


def _spare() -> Spare:
    """A child that has done nothing yet, and becomes what it is asked for."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid:
        theirs.close()
        return pid, ours
    ours.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    received = _receive(theirs)
    if received is None:
        os._exit(0)
    request, handed = received
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _take(request, handed)
    if request.module == "audition.parallel.agent":
        _patch([_spare() for _ in range(2)])  # the ranks
    become(request)


def _patch(spares: list[Spare]) -> None:
    """Let `subprocess` take a spare child where it would start Python with a module of ours."""
    import _posixsubprocess

    own = _posixsubprocess.fork_exec

    def fork_exec(args: Any, *more: Any) -> int:
        python, *words = map(os.fsdecode, args)
        safe = words[:1] == ["-P"]
        option, module, *words = [*words[safe:], "", ""]
        ours = python == sys.executable and option == "-m" and module.startswith("audition.")
        unread = not ours and any(word.startswith("audition.") for word in (module, *words[:3]))
        assert not unread, f"for {args}, Python would be started anew: read its options here"
        if not (ours and spares):
            return own(args, *more)
        passed, folder, environment = more[2:5]
        streams = {n: fd for n, fd in enumerate((more[5], more[8], more[10])) if fd >= 0}
        handed = {**streams, **{fd: fd for fd in passed if fd != more[12]}}
        pid, ours = spares.pop()
        request = Request(
            module=module,
            words=words[:-2],
            folder=folder or os.getcwd(),
            environment=dict(
                os.environ
                if environment is None
                else (os.fsdecode(each).split("=", 1) for each in environment)
            ),
            numbers=tuple(handed),
            leads=more[14],
            safe=safe,
        )
        _send(ours, request, tuple(handed.values()))
        ours.close()
        return pid

    subprocess._fork_exec = fork_exec


def _import_everything() -> None:
    import gc
    import importlib
    import pkgutil

    import audition

    for name in ("torch._dynamo", "torch.distributed.launcher.api"):
        importlib.import_module(name)
    for module in pkgutil.walk_packages(audition.__path__, "audition."):
        if not module.name.endswith(("__main__", ".server")):
            importlib.import_module(module.name)
    _read_everything()
    gc.collect()
    gc.freeze()  # commands then share these pages instead of copying them
    gc.set_threshold(50_000, 20, 50)


def _read_everything() -> None:
    """Let the sources and files of a default run be parsed: those that are unchanged stay so."""
    from hydra import initialize_config_dir

    from audition.config.identity import LOOP, WORDS, material, targets
    from audition.config.root import check, conf_dir
    from audition.config.schema import source_digest
    from audition.sweep.compose import Composer

    with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir())):
        compose = Composer("audition")
        settings = check(compose(("execution.device=cpu", "precision=fp32", "+idea=placebo")))
    source_digest([*LOOP, *targets(material(settings))], spoken=WORDS)


if __name__ == "__main__":
    del sys.path[0]
    if sys.argv[1:] and os.fork():  # nobody waits for it: it may outlive whoever started it
        os._exit(0)
    _import_everything()
    if sys.argv[1:]:  # without, its byte code has been compiled: `make setup`
        serve(socket.socket(fileno=int(sys.argv[1])))
