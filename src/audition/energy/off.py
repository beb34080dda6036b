"""`energy=off`: nothing is read, and records say nothing of joules."""

from typing import ClassVar

from audition.energy.meter import AtOnce, Counter, Method


class Nothing:
    """The neutral counter."""

    def joules(self) -> float:
        """Nought."""
        return 0.0

    def close(self) -> float:
        """Nought."""
        return 0.0


class Off:
    """The neutral meter."""

    name: ClassVar[str] = ""
    method: ClassVar[Method] = ""

    def check(self, device: str) -> None:
        """Every machine will do."""

    def sharers(self, at_once: AtOnce) -> int:
        """Nobody."""
        return 1

    def open(self, cards: int) -> Counter:
        """A counter that stands still."""
        return Nothing()
