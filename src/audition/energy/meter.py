"""The shape of a meter: whether it can count here, and a counter of joules that starts at zero."""

from dataclasses import dataclass
from typing import ClassVar, Literal

Method = Literal["measured", "modelled", ""]
"""By the hardware's own counter, by a model of it, or not at all. The first two are never mixed."""


@dataclass(frozen=True, kw_only=True)
class AtOnce:
    """Runs that are made side by side: what a counter that sees all of them is divided by."""

    card: int = 1
    machine: int = 1


class Counter:
    """Joules since it was opened, of whatever the meter sees. This base class counts none."""

    def joules(self) -> float:
        """Joules so far; raises OSError where they can no longer be read."""
        return 0.0

    def close(self) -> float:
        """Joules up to now; lets go of the hardware. Raises OSError where they cannot be read."""
        return self.joules()


class Meter:
    """A source of joules, checked without torch before a run. This base class, a meter of nothing,
    is the neutral element.
    """

    name: ClassVar[str] = ""
    """What it is called in records: joules of two names are never held against each other."""
    method: ClassVar[Method] = ""
    """How it comes by its joules."""

    def check(self, device: str) -> None:
        """Raises AuditionError where a run on `device` could not be metered on this machine."""

    def sharers(self, at_once: AtOnce) -> int:
        """How many runs it sees at a time: each of them is given an equal part."""
        return 1

    def open(self, cards: int) -> Counter:
        """Begin to count, on the first `cards` cards of this process where cards are what it reads.

        Raises AuditionError where it cannot.
        """
        return Counter()
