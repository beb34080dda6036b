"""What is being measured at the moment: one line that changes, or a line each in a log."""

from types import TracebackType
from typing import TextIO


class Progress:
    """A line on `out` that goes when the block ends."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._total, self._begun = out, 0, 0
        self._before, self._after = ("\r\x1b[K", "") if out.isatty() else ("", "\n")

    def of(self, total: int) -> "Progress":
        """There will be `total` measurements."""
        self._total = total
        return self

    def __call__(self, label: str) -> None:
        """The next one begins."""
        self._begun += 1
        line = f"audition: measuring {self._begun}/{self._total}: {label}"
        print(self._before + line, end=self._after, file=self._out, flush=True)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        print(self._before, end="", file=self._out, flush=True)
