"""The process that holds a claim, as recorded in its file, and whether it still runs."""

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from audition.errors import AuditionError
from audition.records.codec import parsed, read

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
NAMESPACE = Path("/proc/self/ns/pid")
ENDED = ("Z", "X")
"""States of a process that has ended and was not collected by its parent; nothing of it runs."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """One process, for the length of one claim."""

    host: str
    boot: str  # boot of the kernel, and process namespace: a pid is unique only within both
    pid: int
    start: int  # of the process, clock ticks since boot: tells a reused pid apart
    token: str  # random, one a claim

    @classmethod
    def here(cls) -> "Owner":
        """This process, with a token of its own."""
        pid = os.getpid()
        start = (_state(pid) or ("", 0))[1]
        token = secrets.token_hex(8)
        return cls(host=socket.gethostname(), boot=_boot(), pid=pid, start=start, token=token)

    @classmethod
    def read(cls, text: str) -> "Owner | None":
        """The owner in `text`; None where that is truncated or not an owner."""
        try:
            owner = read(cls, parsed(text))
        except (ValueError, AuditionError):
            return None
        return owner if owner.pid > 0 else None

    def text(self) -> str:
        """The text that `read` parses."""
        return json.dumps(asdict(self)) + "\n"

    def runs(self, here: "Owner") -> bool | None:
        """Whether the process runs, as the process `here` can tell; None where it cannot."""
        if (self.host, self.boot) != (here.host, here.boot):
            return None
        found = _state(self.pid)
        if found is not None and self.start:
            state, start = found
            return start == self.start and state not in ENDED
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return None  # another user's, which /proc may hide
        return None


def _boot() -> str:
    try:
        return f"{BOOT_ID.read_text(encoding='utf-8').strip()} {NAMESPACE.stat().st_ino}"
    except OSError:
        return ""


def _state(pid: int) -> tuple[str, int] | None:
    """State and start [clock ticks since boot] of a process; None where the system does not say."""
    try:
        # The name in parentheses may itself hold spaces and parentheses.
        fields = (
            Path(f"/proc/{pid}/stat")
            .read_text(encoding="utf-8", errors="replace")
            .rpartition(")")[2]
            .split()
        )
        return fields[0], int(fields[19])
    except (OSError, ValueError, IndexError):
        return None
