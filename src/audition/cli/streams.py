"""Standard output and error where they lack our signs, are closed, full, or a pipe that was left."""

import codecs
import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

NEAR = str.maketrans(
    {
        **dict.fromkeys("–—−‐‑", "-"),
        **{"×": "x", "·": ".", "…": "...", "→": "->", "≤": "<=", "≥": ">=", "≈": "~", "±": "+-"},
        **{
            "σ": "sigma",
            "δ": "delta",
            "α": "alpha",
            "β": "beta",
            "μ": "mu",
            "η": "eta",
            "λ": "lambda",
        },
        **{"ε": "epsilon", "√": "sqrt", "∞": "inf", "°": "deg", "²": "2", "³": "3", "‘": "'"},
        **dict(zip("▁▂▃▄▅▆▇█", "_.-~=+*#", strict=True)),
        **{"’": "'", "“": '"', "”": '"'},
    }
)
"""Signs that our texts use, in ASCII."""
NAME = "audition.near"


def near(error: UnicodeError) -> tuple[str | bytes, int]:
    """The codec error handler `audition.near`: a sign's ASCII, or its number (`\\u5b9e`)."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(NEAR)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end


class _Patient(io.FileIO):
    """Standard error, on which nothing depends: where it cannot be written, its words are lost."""

    def write(self, words: "ReadableBuffer") -> int:
        try:
            return super().write(words)
        except OSError:
            return len(memoryview(words))


def degrade() -> None:
    """Let standard output and error print any text, whatever they are.

    Half of a pair (a byte of a file's name that is no UTF-8) cannot be encoded even in UTF-8. A
    stream that was closed leads nowhere; and a log on a full disk, or a pager that was left, must
    not end a sweep over what it says of itself.
    """
    codecs.register_error(NAME, near)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=NAME)
    if isinstance(sys.stderr, io.TextIOWrapper) and sys.stderr is sys.__stderr__:
        patient = io.BufferedWriter(_Patient(sys.stderr.fileno(), "wb", closefd=False))
        sys.stderr = io.TextIOWrapper(
            patient, encoding=sys.stderr.encoding, errors=NAME, line_buffering=True
        )


LEFT = 141
"""The exit code of a command that SIGPIPE has ended, as a shell tells it."""


@contextmanager
def flushed() -> Iterator[None]:
    """Write all of standard output; end without a word where its reader has left: `... | head`.

    SIGPIPE itself would also end a sweep whose tracker hangs up.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError as error:
        end_if_left(error)
        raise


def end_if_left(error: BaseException | None) -> None:
    """Exit where `error` is that the reader of standard output has left."""
    if isinstance(error, BrokenPipeError) and _reader_left():
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more
        sys.exit(LEFT)


def _reader_left() -> bool:
    poll = select.poll()
    poll.register(sys.stdout.fileno(), select.POLLOUT)
    return any(seen & select.POLLERR for _, seen in poll.poll(0))
