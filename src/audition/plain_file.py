"""Files read and written whole.

What is no file by now is an error at once, where a pipe would be waited for; readers of what is
written see the old content or the new, never a part.
"""

import os
import re
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from audition.errors import AuditionError, writing

T = TypeVar("T")

MOST = 1 << 30
"""Bytes above which no file of a ledger is read whole."""

PART = re.compile(r"\.(.+\.\d+|part-.+)")
"""Names of files and folders that are being written: `.record.json.PID`, `.part-ANY`."""

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotPlain(OSError):
    """There is something else in the place of a file, or far too much of it."""

    def __init__(self, path: Path | str, what: str) -> None:
        super().__init__(0, what, str(path))


@dataclass(frozen=True)
class Unreadable:
    """A file or a folder that cannot be used, and why, in a few words."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path} {self.reason}"


def check_plain(path: Path) -> None:
    """Raise NotPlain where `path` is no file, and OSError where there is nothing."""
    _check(path, os.stat(path))


def read_bytes(path: Path | str, most: int = MOST) -> bytes:
    """The whole content of a file; raises NotPlain and OSError."""
    # Opening a pipe for reading waits for a writer, but for this flag, which files ignore.
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(number)
        _check(path, found)
        if found.st_size > most:
            raise NotPlain(path, f"it has {found.st_size:,} bytes, and {most:,} are read")
        content = os.read(number, found.st_size + 1)
        if len(content) == found.st_size:
            return content
        with open(number, "rb", closefd=False) as file:  # it has grown, or was read in part
            return content + file.read()
    finally:
        os.close(number)


def read_text(path: Path | str, errors: str = "strict") -> str:
    """The text of a file, in UTF-8; raises NotPlain, OSError and UnicodeDecodeError."""
    text = str(read_bytes(path), "utf-8", errors)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def read_file(path: Path | str, decode: Callable[[str], T]) -> T | Unreadable | None:
    """`decode` of the text of a file, or its AuditionError as `Unreadable`; None without a file."""
    try:
        return decode(read_text(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except AuditionError as error:
        return Unreadable(Path(path), str(error))
    except OSError as error:
        return Unreadable(Path(path), f"cannot be read ({error.strerror or error})")
    except UnicodeDecodeError as error:
        return Unreadable(Path(path), f"cannot be read ({error})")


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that readers see the old text or the new, never a part (rename is atomic).

    Text becomes UTF-8; half of a surrogate pair, as in a file name of another encoding, its number.
    """
    whole = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(part, "wb") as file:
            file.write(whole)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


def write_file(path: Path, content: str) -> None:
    """Make the folder of `path` and write the file whole; AuditionError where that is not possible."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)


def clear_parts(folder: Path, left: Callable[[Path], bool]) -> None:
    """Remove the parts of files in `folder` that were `left` by a writer that was killed."""
    with suppress(OSError):
        for part in [each for each in folder.iterdir() if PART.fullmatch(each.name)]:
            with suppress(OSError):
                if left(part):
                    shutil.rmtree(part) if part.is_dir() else part.unlink()


def is_abandoned(part: Path) -> bool:
    """Whether no process of this machine has the number that `part` is named after."""
    number = part.suffix[1:]
    try:
        os.kill(int(number) if number.isdecimal() else 0, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _check(path: Path | str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise NotPlain(path, f"it is {kind} in the place of a file")
