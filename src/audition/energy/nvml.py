"""`energy=nvml`: the joules of an NVIDIA card, as the card itself counts them.

The counter is exact, and there from Volta on. NVIDIA's own binding asks the driver, which leaves the
CUDA runtime alone: a fork would break that.
Source: NVIDIA, NVML API Reference, nvmlDeviceGetTotalEnergyConsumption.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, ClassVar

from audition.energy.meter import AtOnce, Counter, Meter, Method
from audition.errors import AuditionError

CHOICES = "choose rapl, codecarbon or off"
REASONS = {3: "the card does not count its energy", 4: "this user may not ask for it"}
"""nvmlReturn_t -> what it means here."""
NO_DRIVER = 12


class Cards(Counter):
    """The counters of several cards, added up."""

    def __init__(self, nvml: Any, handles: Sequence[Any]) -> None:
        self.nvml, self.handles = nvml, tuple(handles)
        self.first = [self._read(handle) for handle in self.handles]

    def joules(self) -> float:
        """Joules of all cards."""
        now = (self._read(handle) for handle in self.handles)
        return sum(b - a for a, b in zip(self.first, now, strict=True)) / 1e3

    def close(self) -> float:
        """The same; the driver's library is let go."""
        try:
            return self.joules()
        finally:
            self.nvml.nvmlShutdown()

    def _read(self, handle: Any) -> int:
        """Millijoules since the driver was loaded."""
        try:
            return int(self.nvml.nvmlDeviceGetTotalEnergyConsumption(handle))
        except self.nvml.NVMLError as error:
            why = REASONS.get(error.value, f"the driver answers {error.value}")
            raise OSError(error.value, why) from None


class Nvml(Meter):
    """The cards of a run, whatever else is done on them at the time included."""

    name: ClassVar[str] = "nvml"
    method: ClassVar[Method] = "measured"

    def __init__(
        self,
        binding: Callable[[], Any] = lambda: import_module("pynvml"),
        names: Callable[[int], Sequence[str]] | None = None,
    ) -> None:
        self.binding, self.names = binding, names or visible

    def check(self, device: str) -> None:
        """Raises AuditionError where the run is on no card, or no card here counts."""
        if device != "cuda":
            raise AuditionError(
                f"energy=nvml reads a card's energy, and the run is on the {device}: {CHOICES}"
            )
        self._count(
            lambda nvml: [nvml.nvmlDeviceGetHandleByIndex(0)],
            f"this machine has no GPU to read: {CHOICES}",
        ).close()

    def sharers(self, at_once: AtOnce) -> int:
        """Every run on the card."""
        return at_once.card

    def open(self, cards: int) -> Counter:
        """Begin to count, on the cards that torch has here."""
        names = self.names(cards)
        return self._count(
            lambda nvml: [nvml.nvmlDeviceGetHandleByUUID(name) for name in names],
            f"the driver does not know all of {', '.join(names)}",
        )

    def _count(self, find: Callable[[Any], Sequence[Any]], unknown: str) -> Cards:
        """The counters of the cards that `find` finds; `unknown` is said where it finds none."""
        nvml = self.binding()
        try:
            nvml.nvmlInit()
        except nvml.NVMLError as error:
            missing = error.value == NO_DRIVER
            why = "this machine has no NVIDIA driver" if missing else "the driver does not answer"
            raise AuditionError(f"energy=nvml, and {why}: {CHOICES}") from None
        try:
            return Cards(nvml, find(nvml))
        except nvml.NVMLError:
            nvml.nvmlShutdown()
            raise AuditionError(f"energy=nvml, and {unknown}") from None
        except OSError as error:
            nvml.nvmlShutdown()
            raise AuditionError(f"energy=nvml, and {error.strerror}: {CHOICES}") from None


def visible(cards: int) -> list[str]:
    """The names of this process's first cards: torch counts them otherwise than the driver does."""
    import torch

    return [f"GPU-{torch.cuda.get_device_properties(index).uuid}" for index in range(cards)]
