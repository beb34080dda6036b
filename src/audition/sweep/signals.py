"""The notice that a process has to leave: by Ctrl-C, by `kill`, by a cluster that wants its node, or by
a terminal that was closed.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""What clusters send before they kill (to end a job, at its time limit, when they need its node), and
what the end of a terminal or of a connection sends."""


@contextmanager
def interrupt_on_signals() -> Iterator[None]:
    """Within the block the first notice is a KeyboardInterrupt, and later ones change nothing.

    So runs under way are checkpointed and trials put back at once. Of a process that is killed, others
    on its machine learn only when they look, and those elsewhere when it has been silent for a minute.
    """

    def leave(number: int) -> None:
        for each in handled_signals():
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    with _heard(handled_signals(), leave):
        yield


@contextmanager
def collect_signals() -> Iterator[list[int]]:
    """Notices and Ctrl-C become entries of a list, which a run looks at between its steps."""
    seen: list[int] = []
    with _heard((signal.SIGINT, *handled_signals()), seen.append):
        yield seen


def handled_signals() -> tuple[signal.Signals, ...]:
    """The notices that are to be heard: under `nohup` the end of the terminal is none."""
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
    """Send what is still printed nowhere: a word to a terminal that is gone would end the run."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in terminals:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
