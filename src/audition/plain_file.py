"""Reads files that may be anything by now: what is no file is an error at once, where a pipe would be
waited for.
"""

import os
import stat
from pathlib import Path

MOST = 1 << 30
"""Bytes above which no file of a ledger is read whole."""

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotPlain(OSError):
    """There is something else in the place of a file, or far too much of it."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(0, what, str(path))


def check_plain(path: Path) -> None:
    """Raise NotPlain where `path` is no file, and OSError where there is nothing."""
    _check(path, os.stat(path))


def read_bytes(path: Path, most: int = MOST) -> bytes:
    """The whole content of a file; raises NotPlain and OSError."""
    # Opening a pipe for reading waits for a writer, but for this flag, which files ignore.
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(number)
        _check(path, found)
        if found.st_size > most:
            raise NotPlain(path, f"it has {found.st_size:,} bytes, and {most:,} are read")
        with open(number, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(number)


def read_text(path: Path, errors: str = "strict") -> str:
    """The text of a file, in UTF-8; raises NotPlain, OSError and UnicodeDecodeError."""
    text = str(read_bytes(path), "utf-8", errors)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _check(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise NotPlain(path, f"it is {kind} in the place of a file")
