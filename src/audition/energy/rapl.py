"""`energy=rapl`: the joules of the processor's packages and memory, as the processor counts them.

Linux shows the counters of Intel and of AMD processors in the same place and under Intel's name.
Source: Linux, Documentation/power/powercap/powercap.rst.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from audition.energy.meter import AtOnce, Counter, Meter, Method
from audition.errors import AuditionError

POWERCAP = Path("/sys/class/powercap")
ZONE = re.compile(r"intel-rapl(:\d+)+")
"""Not intel-rapl-mmio, which shows the same packages once more."""

COUNTED = re.compile(r"package-\d+|dram")
"""Zones that do not overlap: `core` and `uncore` are parts of a package, `psys` has one in it."""


@dataclass
class Zone:
    """One counter of the processor: microjoules, which start again from zero at `span`."""

    path: Path
    span: int
    last: int
    total: int = 0

    @classmethod
    def at(cls, folder: Path) -> "Zone":
        """The zone in `folder`, from its present state."""
        path = folder / "energy_uj"
        return cls(path, _number(folder / "max_energy_range_uj"), _number(path))

    def read(self) -> int:
        """Microjoules since the beginning. Must be asked more often than the counter comes round,
        which at 200 W takes the smallest ones five minutes.
        """
        now = _number(self.path)
        self.total += (now - self.last) % (self.span + 1)
        self.last = now
        return self.total


@dataclass
class Zones(Counter):
    """Several of them, added up."""

    zones: Sequence[Zone] = field(default_factory=tuple)

    def joules(self) -> float:
        """Joules of all zones."""
        return sum(zone.read() for zone in self.zones) / 1e6


class Rapl(Meter):
    """The whole processor's joules: whoever else computes on this machine is in them."""

    name: ClassVar[str] = "rapl"
    method: ClassVar[Method] = "measured"

    def __init__(self, powercap: Path = POWERCAP) -> None:
        self.powercap = powercap

    def check(self, device: str) -> None:
        """Raises AuditionError where this machine shows no counter, or not to this user."""
        self.open(0)

    def sharers(self, at_once: AtOnce) -> int:
        """Every run on the machine."""
        return at_once.machine

    def open(self, cards: int) -> Counter:
        """Begin to count."""
        folders = [folder for folder in self._folders() if COUNTED.fullmatch(_name(folder))]
        if not folders:
            raise AuditionError(
                f"energy=rapl, and {self.powercap} shows no processor's energy counter: choose "
                "codecarbon for a modelled value, or off"
            )
        try:
            return Zones([Zone.at(folder) for folder in folders])
        except OSError as error:
            raise AuditionError(
                f"energy=rapl, and {error.filename} cannot be read ({error.strerror}): let root "
                "make it readable (chmod a+r), or choose codecarbon or off"
            ) from None
        except ValueError:
            raise AuditionError(
                f"energy=rapl, and what {self.powercap} shows is no number: choose codecarbon or off"
            ) from None

    def _folders(self) -> list[Path]:
        try:
            return sorted(f for f in self.powercap.iterdir() if ZONE.fullmatch(f.name))
        except OSError:
            return []


def _name(folder: Path) -> str:
    try:
        return (folder / "name").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _number(path: Path) -> int:
    return int(path.read_text(encoding="utf-8"))
