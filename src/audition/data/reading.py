"""Reads a user's text file as UTF-8 with newlines; an error says how to convert another encoding."""

import codecs
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from audition.errors import AuditionError

MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""Byte-order mark -> encoding; the first two begin with the last two."""


@dataclass(frozen=True)
class Reading:
    """A text, and what was changed in it as it was read, a sentence each."""

    text: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Digests:
    """A file in short."""

    file: str  # sha256 of its bytes
    text: str  # of the text that they are read as, in UTF-8
    remarks: tuple[str, ...]


def digests(path: Path) -> Digests:
    """The digests of a file, which is read again only where it has changed.

    Raises AuditionError for a file that cannot be read, and as `read` does.
    """
    return _digests(path, state_of(path))


def state_of(path: Path) -> tuple[int, ...]:
    """What changes when a file is written. Raises AuditionError where it cannot be read."""
    try:
        found = path.stat()
    except OSError as error:
        raise AuditionError(f"{named(path)} cannot be read: {error.strerror}") from None
    return found.st_size, found.st_mtime_ns, found.st_ino


@cache
def _digests(path: Path, state: tuple[int, ...]) -> Digests:
    content = content_of(path)
    reading = read(content, named(path))
    text = sha256(reading.text.encode("utf-8")).hexdigest()
    return Digests(sha256(content).hexdigest(), text, reading.remarks)


def content_of(path: Path) -> bytes:
    """The bytes of a file. Raises AuditionError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise AuditionError(f"{named(path)} cannot be read: {error.strerror}") from None


def named(path: Path) -> str:
    """What names a file to the user: `data.path=FILE`."""
    return f"data.path={path}"


def read(content: bytes, where: str) -> Reading:
    """The text of a file. A byte-order mark is left out, and lines end in a newline alone.

    where: what names the file to the user, `data.path=FILE`.

    Raises AuditionError where the bytes are not UTF-8, or hold no text at all: with the first byte
    at fault, where it stands, what the encoding may be, and how to make it UTF-8.
    """
    mark = next((mark for mark in MARKS if content.startswith(mark)), None)
    if mark is not None:
        raise _foreign(content, 0, where, MARKS[mark])
    remarks = []
    if content.startswith(codecs.BOM_UTF8):
        content = content[len(codecs.BOM_UTF8) :]
        remarks.append(f"{where} begins with a byte-order mark, which is left out of the text")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _foreign(content, error.start, where, _likely(content)) from None
    if "\0" in text:
        raise _foreign(content, content.index(b"\0"), where, _likely(content))
    if not text:
        raise AuditionError(f"{where} is empty: there is nothing to train on")
    if "\r" in text:
        ends = text.count("\r")
        remarks.append(f"{where} has {ends:,} line ends of CR or CRLF, which are read as newlines")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return Reading(text, tuple(remarks))


def _foreign(content: bytes, at: int, where: str, likely: str) -> AuditionError:
    line = content.count(b"\n", 0, at) + 1
    file = where.partition("=")[2] or where
    how = f"{likely} perhaps: iconv -f {likely} -t UTF-8 {file} > NEW makes it so"
    return AuditionError(
        f"{where} is not text in UTF-8: byte 0x{content[at]:02x} at position {at:,}, line {line:,}; "
        + (how if likely else "it may be no text")
    )


def _likely(content: bytes) -> str:
    """The encoding that bytes without a mark may be in; empty where they look like no text."""
    sample = content[:4096]
    if sample[1::2].count(0) > 0.4 * len(sample) / 2 and 0 not in sample[::2]:
        return "UTF-16LE"
    if sample[::2].count(0) > 0.4 * len(sample) / 2 and 0 not in sample[1::2]:
        return "UTF-16BE"
    controls = sum(byte < 32 and byte not in b"\t\n\r\f" for byte in content[:65536])
    return "" if controls else "WINDOWS-1252"
