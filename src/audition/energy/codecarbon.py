"""`energy=codecarbon`: joules as CodeCarbon models them from what the machine is and how busy it is.

Without a counter that it may read, it multiplies a processor's nominal power by its use and memory
by its size: an estimate, of the whole machine, and recorded as such.
"""

import logging
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar

from annotated_types import Gt

from audition.energy.meter import AtOnce, Counter, Meter, Method
from audition.errors import AuditionError

COUNTRY = "USA"
"""CodeCarbon wants one, for emissions; joules are the same everywhere."""

JOULES = 3.6e6
"""In a kilowatt-hour."""


class Model(Counter):
    """A tracker of CodeCarbon's, asked for its total. Each may be used once."""

    def __init__(self, tracker: Any, totals: list[float]) -> None:
        self.tracker, self.totals = tracker, totals

    def joules(self) -> float:
        """Joules up to the model's last look at the machine."""
        self.tracker.flush()
        return self.totals[-1] if self.totals else 0.0

    def close(self) -> float:
        """Joules up to now; its thread ends."""
        self.tracker.stop()
        if not self.totals:  # it keeps its errors to itself
            raise OSError("it made no estimate")
        return self.totals[-1]


class CodeCarbon(Meter):
    """The whole machine, as modelled.

    Args:
        every_s: between two looks of the model at how busy the machine is [s].
    """

    name: ClassVar[str] = "codecarbon"
    method: ClassVar[Method] = "modelled"

    def __init__(self, *, every_s: Annotated[float, Gt(0)] = 15.0) -> None:
        self.every_s = every_s

    def check(self, device: str) -> None:
        """Raises AuditionError without the package."""
        if find_spec("codecarbon") is None:
            raise AuditionError(
                "energy=codecarbon needs the package codecarbon: pip install 'audition[codecarbon]'"
            )

    def sharers(self, at_once: AtOnce) -> int:
        """Every run on the machine."""
        return at_once.machine

    def open(self, cards: int) -> Counter:
        """Begin to count, which takes the model 2 s."""
        self.check("")
        from codecarbon import OfflineEmissionsTracker
        from codecarbon.output_methods.base_output import BaseOutput

        totals: list[float] = []

        class Kept(BaseOutput):
            """Told of every total."""

            def out(self, total: Any, delta: Any) -> None:
                totals.append(total.energy_consumed * JOULES)

            live_out = out

        logging.getLogger("codecarbon").setLevel(logging.CRITICAL)
        tracker = OfflineEmissionsTracker(
            country_iso_code=COUNTRY,
            measure_power_secs=self.every_s,
            output_methods=[],
            allow_multiple_runs=True,
            log_level="critical",
            output_handlers=[Kept()],
        )
        tracker.start()
        return Model(tracker, totals)
