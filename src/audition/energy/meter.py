"""The shape of a meter: what it can read here, and a counter of joules that begins at nought."""

from dataclasses import dataclass
from typing import Literal, Protocol

Method = Literal["measured", "modelled", ""]
"""By the hardware's own counter, by a model of it, or not at all. The first two are never mixed."""


@dataclass(frozen=True, kw_only=True)
class AtOnce:
    """Runs that are made side by side: what a counter that sees all of them is divided by."""

    card: int = 1
    machine: int = 1


class Counter(Protocol):
    """Joules since it was opened, of whatever the meter sees."""

    def joules(self) -> float:
        """Joules so far; raises OSError where they can no longer be read."""
        ...

    def close(self) -> float:
        """Joules up to now; lets go of the hardware. Raises OSError where they cannot be read."""
        ...


class Meter(Protocol):
    """A source of joules, before a run and without torch; opened, it counts."""

    @property
    def name(self) -> str:
        """What it is called in records: joules of two names are never held against each other."""
        ...

    @property
    def method(self) -> Method:
        """How it comes by its joules."""
        ...

    def check(self, device: str) -> None:
        """Raises AuditionError where a run on `device` could not be metered on this machine."""
        ...

    def sharers(self, at_once: AtOnce) -> int:
        """How many runs it sees at a time: each of them is given an equal part."""
        ...

    def open(self, cards: int) -> Counter:
        """Begin to count, on the first `cards` cards of this process where cards are what it reads.

        Raises AuditionError where it cannot.
        """
        ...
