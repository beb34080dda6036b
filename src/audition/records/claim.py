"""The lock of a run's folder: one process writes there, whatever the file system and machine.

A lock is a file `claim.N` made with `open(..., "x")` (O_EXCL), which is atomic on every file system,
on NFS from version 3 on; system locks do nothing on some shared file systems, and `filelock`'s leases
need a rename that NFS refuses. The holder touches its file every 10 s. A stale lock is taken over by
creating `claim.N+1`, which only one process can. A holder that was frozen, and finds its file gone,
stops; what it wrote in between its successor writes too, since a run is a function of its settings.
"""

import os
import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from audition.plain_file import NotPlain, check_plain, read_text
from audition.records.owner import Owner

CHECK_S = 1.0
"""The shortest time between two checks by an owner that its claim still stands [s]."""


class Busy(Exception):
    """Another live process is training this run."""


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """When a claim of another machine, whose processes cannot be seen from here, is stale."""

    beat_s: float = 10.0
    """Time between two touches of the file [s]."""
    patience_s: float = 60.0
    """Age of the last touch, by the file server's clock, from which an owner may be dead [s]."""

    @property
    def watch_s(self) -> float:
        """How long the file of such an owner is watched, by the watcher's monotonic clock [s]."""
        return 3.0 * self.beat_s


HEARTBEAT = Heartbeat()


@dataclass(frozen=True)
class ClaimFile:
    """A claim as it was read: what its owner wrote, and when it was last touched."""

    text: str
    touched: float  # by the clock of the file's server [s]

    def name(self) -> str:
        """Its owner, as messages name it."""
        owner = Owner.read(self.text)
        return f"process {owner.pid} on {owner.host}" if owner else "a process that did not say"


class Claim:
    """A run's folder, held by this process until `release`."""

    def __init__(self, path: Path, owner: Owner, beat_s: float) -> None:
        self.path, self._text, self._beat_s = path, owner.text(), beat_s
        self._checked = time.monotonic()
        self._released = threading.Event()
        threading.Thread(target=self._beat, name="claim", daemon=True).start()

    def check(self, *, now: bool = False) -> None:
        """Raise Busy if the claim was taken over; reads the file at most once a second, or `now`."""
        if not now and time.monotonic() - self._checked < CHECK_S:
            return
        self._checked = time.monotonic()
        if not self._stands():
            raise Busy(f"{self.path} was taken over while its owner showed no sign of life")

    def release(self) -> None:
        """Remove the claim, so that another process can hold the folder."""
        self._released.set()
        if self._stands():
            with suppress(OSError):
                self.path.unlink()

    def _stands(self) -> bool:
        try:
            return read_text(self.path) == self._text
        except FileNotFoundError:
            return False
        except OSError:
            return True  # no answer from the file server: the claim was not taken over

    def _beat(self) -> None:
        while not self._released.wait(self._beat_s):
            with suppress(OSError):
                os.utime(self.path)


def take(folder: Path, heartbeat: Heartbeat = HEARTBEAT) -> Claim:
    """Lock `folder`; raises Busy where a live process holds it, OSError where nobody can.

    Whether an owner on this machine runs is known at once. One elsewhere is judged by the last
    touch of its file; where that is overdue, or in the future (clocks may have jumped), the file is
    watched for `heartbeat.watch_s`.
    """
    me = Owner.here()
    folder.mkdir(parents=True, exist_ok=True)
    judged = _claim_files(folder)
    for path, seen in judged.items():
        lives = _lives(path, seen, me, heartbeat)
        if lives or (lives is None and _moves(path, seen, heartbeat.watch_s)):
            raise Busy(f"{folder} is held by {seen.name()}")
    mine = folder / f"claim.{1 + max(map(_number, judged), default=0)}"
    try:
        with open(mine, "x", encoding="utf-8") as file:
            try:
                file.write(me.text())
                file.flush()
            except OSError:
                mine.unlink(missing_ok=True)
                raise
    except FileExistsError:
        raise Busy(f"{folder} was claimed by another process at the same time") from None
    beside = {path: seen for path, seen in _claim_files(folder).items() if path != mine}
    if beside.items() - judged.items():
        mine.unlink(missing_ok=True)
        raise Busy(f"{folder} was claimed by another process at the same time")
    for dead in beside:
        dead.unlink(missing_ok=True)
    return Claim(mine, me, heartbeat.beat_s)


def held(folder: Path, heartbeat: Heartbeat = HEARTBEAT) -> bool:
    """Whether a process holds `folder`, answered at once.

    False where the owner may be dead, and for a folder that this user may not read.
    """
    me = Owner.here()
    try:
        return any(_lives(path, seen, me, heartbeat) for path, seen in _claim_files(folder).items())
    except PermissionError:
        return False


def _lives(path: Path, seen: ClaimFile, me: Owner, heartbeat: Heartbeat) -> bool | None:
    """Whether the owner of a claim runs; None where only watching its file can tell."""
    owner = Owner.read(seen.text)
    runs = owner.runs(me) if owner else None
    if runs is not None:
        return runs
    try:
        with TemporaryFile(dir=path.parent) as probe:
            os.utime(probe.fileno())
            age = os.fstat(probe.fileno()).st_mtime - seen.touched
    except OSError:
        return True  # without write access this process cannot disturb the owner
    return True if 0.0 <= age < heartbeat.patience_s else None


def _moves(path: Path, seen: ClaimFile, watch_s: float) -> bool:
    """Whether the claim's file changes within `watch_s`."""
    until = time.monotonic() + watch_s
    while time.monotonic() < until:
        time.sleep(watch_s / 30.0)
        if _look(path) != seen:
            return True
    return False


def _claim_files(folder: Path) -> dict[Path, ClaimFile]:
    """Every claim in `folder`; more than one while one is being taken over."""
    try:
        paths = [folder / name for name in os.listdir(folder) if re.fullmatch(r"claim\.\d+", name)]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {path: seen for path in paths if (seen := _look(path)) is not None}


def _look(path: Path) -> ClaimFile | None:
    # Opened each time: only then does the client of a shared file system ask its server.
    try:
        check_plain(path)
        with open(path, encoding="utf-8", errors="replace") as file:
            return ClaimFile(file.read(1000), os.fstat(file.fileno()).st_mtime)
    except (FileNotFoundError, NotPlain):
        return None


def _number(path: Path) -> int:
    return int(path.suffix[1:])
