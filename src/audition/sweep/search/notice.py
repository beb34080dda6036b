"""The notice that a process has to leave: by Ctrl-C, by `kill`, or by a cluster that wants its node."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NOTICES = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""What clusters send before they kill: to end a job, at its time limit, when they need its node."""


@contextmanager
def noticed() -> Iterator[None]:
    """Within the block the first notice is a KeyboardInterrupt, and later ones change nothing.

    So the trials under way are put back at once. Of a process that is killed, others on its machine
    learn only when they look, and those elsewhere when it has been silent for a minute.
    """
    before = {number: signal.getsignal(number) for number in NOTICES}

    def leave(number: int, frame: FrameType | None) -> None:
        for each in NOTICES:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in NOTICES:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
