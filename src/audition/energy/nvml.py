"""`energy=nvml`: the joules of an NVIDIA card, as the card itself counts them.

The counter is exact, and there from Volta on. The driver's library is asked directly: it is where
the driver is, and leaves the CUDA runtime alone, which a fork would break.
Source: NVIDIA, NVML API Reference, nvmlDeviceGetTotalEnergyConsumption.
"""

import ctypes
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from audition.energy.meter import AtOnce, Counter, Method
from audition.errors import AuditionError

LIBRARY = "libnvidia-ml.so.1"
CHOICES = "choose rapl, codecarbon or off"
REASONS = {3: "the card does not count its energy", 4: "this user may not ask for it"}
"""nvmlReturn_t -> what it means here."""


class Cards:
    """The counters of several cards, added up."""

    def __init__(self, library: Any, handles: Sequence[ctypes.c_void_p]) -> None:
        self.library, self.handles = library, tuple(handles)
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
            self.library.nvmlShutdown()

    def _read(self, handle: ctypes.c_void_p) -> int:
        """Millijoules since the driver was loaded."""
        millijoules = ctypes.c_ulonglong()
        code = self.library.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules))
        if code != 0:
            raise OSError(code, REASONS.get(code, f"the driver answers {code}"))
        return millijoules.value


class Nvml:
    """The cards of a run, whatever else is done on them at the time included."""

    name: ClassVar[str] = "nvml"
    method: ClassVar[Method] = "measured"

    def __init__(
        self,
        load: Callable[[], Any] = lambda: ctypes.CDLL(LIBRARY),
        names: Callable[[int], Sequence[str]] | None = None,
    ) -> None:
        self.load, self.names = load, names or visible

    def check(self, device: str) -> None:
        """Raises AuditionError where the run is on no card, or no card here counts."""
        if device != "cuda":
            raise AuditionError(
                f"energy=nvml reads a card's energy, and the run is on the {device}: {CHOICES}"
            )
        library = self._library()
        handle = ctypes.c_void_p()
        if library.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(handle)) != 0:
            library.nvmlShutdown()
            raise AuditionError(f"energy=nvml, and this machine has no GPU to read: {CHOICES}")
        self._count(library, [handle]).close()

    def sharers(self, at_once: AtOnce) -> int:
        """Every run on the card."""
        return at_once.card

    def open(self, cards: int) -> Counter:
        """Begin to count, on the cards that torch has here."""
        library, handles = self._library(), []
        for name in self.names(cards):
            handle = ctypes.c_void_p()
            if library.nvmlDeviceGetHandleByUUID(name.encode(), ctypes.byref(handle)) != 0:
                library.nvmlShutdown()
                raise AuditionError(f"energy=nvml, and the driver does not know card {name}")
            handles.append(handle)
        return self._count(library, handles)

    def _library(self) -> Any:
        try:
            library = self.load()
        except OSError:
            raise AuditionError(
                f"energy=nvml, and this machine has no NVIDIA driver: {CHOICES}"
            ) from None
        if library.nvmlInit_v2() != 0:
            raise AuditionError(f"energy=nvml, and the NVIDIA driver does not answer: {CHOICES}")
        return library

    def _count(self, library: Any, handles: Sequence[ctypes.c_void_p]) -> Cards:
        try:
            return Cards(library, handles)
        except OSError as error:
            library.nvmlShutdown()
            raise AuditionError(f"energy=nvml, and {error.strerror}: {CHOICES}") from None


def visible(cards: int) -> list[str]:
    """The names of this process's first cards: torch counts them otherwise than the driver does."""
    import torch

    return [f"GPU-{torch.cuda.get_device_properties(index).uuid}" for index in range(cards)]
