"""Signals that end a process early: Ctrl-C, `kill`, a cluster that needs its node, a hangup."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""What clusters send before they kill a job, and what a closed terminal or connection sends."""


@contextmanager
def interrupt_on_signals() -> Iterator[None]:
    """Within the block the first signal raises KeyboardInterrupt, and later ones are ignored.

    So running runs are checkpointed and open trials put back at once. After SIGKILL the trials stay
    open until another process notices: at its next look on this machine, elsewhere after a minute
    without a heartbeat.
    """

    def leave(number: int) -> None:
        for each in handled_signals():
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    with _heard(handled_signals(), leave):
        yield


@contextmanager
def collect_signals() -> Iterator[list[int]]:
    """Signals and Ctrl-C become entries of a list, which a run looks at between its steps."""
    seen: list[int] = []
    with _heard((signal.SIGINT, *handled_signals()), seen.append):
        yield seen


def handled_signals() -> tuple[signal.Signals, ...]:
    """The signals to handle: under `nohup` the end of the terminal is not one."""
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return tuple(each for each in SIGNALS if not (ignored and each == signal.SIGHUP))


@contextmanager
def _heard(numbers: tuple[signal.Signals, ...], hear: Callable[[int], None]) -> Iterator[None]:
    terminals = [descriptor for descriptor in (1, 2) if _is_terminal(descriptor)]

    def handle(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            _let_go(terminals)
        hear(number)

    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def _let_go(terminals: list[int]) -> None:
    """Discard what is still printed: writing to a terminal that is gone would end the run."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in terminals:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
