"""Who writes a run: `claim.N` in its folder, kept by any file system, and ended by its owner's end.

Locks of the system are no-ops on some shared file systems, and the leases of `filelock` pass on by
an exchange of names that NFS refuses. What every file system has is the making of a file that must
not exist yet, so a claim is a file with a number, and one whose owner is gone is taken over by
making the next number: of two takers one succeeds. The owner moves the file's time forward while it
lives. An owner that was frozen, and finds its claim gone, stops; what it could still write in that
moment is what its successor will write, since a run is a function of its settings.
"""

import os
import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from audition.records.owner import Owner

CHECK_S = 1.0
"""How often, at most, an owner looks whether its claim still stands [s]."""


class Busy(Exception):
    """Another live process is training this run."""


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """How claims of machines that cannot see each other's processes are judged."""

    beat_s: float = 10.0
    """Time between two signs of life [s]."""
    patience_s: float = 60.0
    """Age of the last sign, by the clock of the file's server, from which an owner is in doubt [s]."""

    @property
    def watch_s(self) -> float:
        """How long an owner in doubt is watched, by the watcher's own steady clock [s]."""
        return 3.0 * self.beat_s


PULSE = Pulse()


@dataclass(frozen=True)
class Sight:
    """A claim as it was read: who wrote it, and when it was last moved."""

    text: str
    moved: float  # by the clock of the file's server [s]

    def name(self) -> str:
        """Its owner, for a person."""
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
        """Raise Busy if the claim was taken over; looks once a second, or `now`."""
        if not now and time.monotonic() - self._checked < CHECK_S:
            return
        self._checked = time.monotonic()
        if not self._stands():
            raise Busy(f"{self.path} was taken over while its owner showed no sign of life")

    def release(self) -> None:
        """Let the next one in."""
        self._released.set()
        if self._stands():
            with suppress(OSError):
                self.path.unlink()

    def _stands(self) -> bool:
        try:
            return self.path.read_text(encoding="utf-8") == self._text
        except FileNotFoundError:
            return False
        except OSError:
            return True  # a server that does not answer has given the claim to nobody

    def _beat(self) -> None:
        while not self._released.wait(self._beat_s):
            with suppress(OSError):
                os.utime(self.path)


def take(folder: Path, pulse: Pulse = PULSE) -> Claim:
    """Hold `folder`; raises Busy where a live process does, and OSError where nobody could.

    An owner on this machine is known at once to run or not. One elsewhere is known by its beat; where
    that is overdue, or of the future, clocks may have jumped, and it is watched for `pulse.watch_s`.
    """
    me = Owner.here()
    folder.mkdir(parents=True, exist_ok=True)
    judged = _sights(folder)
    for path, seen in judged.items():
        lives = _lives(path, seen, me, pulse)
        if lives or (lives is None and _moves(path, seen, pulse.watch_s)):
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
    beside = {path: seen for path, seen in _sights(folder).items() if path != mine}
    if beside.items() - judged.items():
        mine.unlink(missing_ok=True)
        raise Busy(f"{folder} was claimed by another process at the same time")
    for dead in beside:
        dead.unlink(missing_ok=True)
    return Claim(mine, me, pulse.beat_s)


def held(folder: Path, pulse: Pulse = PULSE) -> bool:
    """Whether a process holds `folder`, judged at once: an owner in doubt is taken to be gone.

    So is that of a folder that this user may not read.
    """
    me = Owner.here()
    try:
        return any(_lives(path, seen, me, pulse) for path, seen in _sights(folder).items())
    except PermissionError:
        return False


def _lives(path: Path, seen: Sight, me: Owner, pulse: Pulse) -> bool | None:
    """Whether the owner of a claim lives; None for one in doubt."""
    owner = Owner.read(seen.text)
    runs = owner.runs(me) if owner else None
    if runs is not None:
        return runs
    try:
        with TemporaryFile(dir=path.parent) as probe:
            os.utime(probe.fileno())
            age = os.fstat(probe.fileno()).st_mtime - seen.moved
    except OSError:
        return True  # nothing can be written here, so nobody is in its way
    return True if 0.0 <= age < pulse.patience_s else None


def _moves(path: Path, seen: Sight, watch_s: float) -> bool:
    """Whether anything happens to a claim within `watch_s`."""
    until = time.monotonic() + watch_s
    while time.monotonic() < until:
        time.sleep(watch_s / 30.0)
        if _look(path) != seen:
            return True
    return False


def _sights(folder: Path) -> dict[Path, Sight]:
    """Every claim in `folder` as it stands; more than one where a taking over is under way."""
    try:
        paths = [folder / name for name in os.listdir(folder) if re.fullmatch(r"claim\.\d+", name)]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {path: seen for path in paths if (seen := _look(path)) is not None}


def _look(path: Path) -> Sight | None:
    # Opened each time, since only that makes a client of a shared file system ask its server.
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return Sight(file.read(1000), os.fstat(file.fileno()).st_mtime)
    except FileNotFoundError:
        return None


def _number(path: Path) -> int:
    return int(path.suffix[1:])
