"""How long a run trains: a number of its task's units, of optimizer steps, or of minutes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from audition.errors import AuditionError

UNITS = ("tokens", "examples", "episodes")
"""What a task can be counted in; each has a setting of its name."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The budget of one run.

    One of `tokens`, `examples` and `episodes` counts, that of the task; `steps` or `minutes`, where
    given, takes its place.

    Raises AuditionError where two of them are set that exclude each other, or none.
    """

    tokens: Annotated[int, Gt(0)] | None = 1_000_000
    """Training tokens, rounded down to whole steps (at least one)."""
    examples: Annotated[int, Gt(0)] | None = None
    """Training examples, each time one is seen, rounded down to whole steps (at least one)."""
    episodes: Annotated[int, Gt(0)] | None = None
    """Training episodes, rounded down to whole steps (at least one)."""
    steps: Annotated[int, Gt(0)] | None = None
    """Optimizer steps."""
    minutes: Annotated[float, Gt(0)] | None = None
    """Minutes of training, evaluation not counted; such runs are not repeatable bit for bit."""

    def __post_init__(self) -> None:
        if self.steps is not None and self.minutes is not None:
            raise AuditionError(
                f"budget.steps={self.steps} and budget.minutes={self.minutes:g} are both set: "
                "choose one, and set the other to null"
            )
        counted = self._counted()
        if len(counted) > 1 and self.steps is None and self.minutes is None:
            both = " and ".join(f"budget.{unit}={value}" for unit, value in counted.items())
            raise AuditionError(f"{both} are both set: choose one, and set the other to null")
        if not counted and self.steps is None and self.minutes is None:
            names = ", ".join(f"budget.{name}" for name in (*UNITS, "steps", "minutes"))
            raise AuditionError(f"the run has no budget: set one of {names}")

    def check_unit(self, unit: str) -> None:
        """Raises AuditionError where the setting in force counts in another unit than `unit`."""
        for name, value in self.ruling().items():
            if name not in (unit, "steps", "minutes"):
                raise AuditionError(
                    f"budget.{name}={value} counts {name}, and this task is counted in {unit}: "
                    f"set budget.{unit} (and budget.{name}=null), budget.steps or budget.minutes"
                )

    def ruling(self) -> dict[str, float]:
        """The one setting that counts, by its name: what two runs must share to be compared."""
        if self.minutes is not None:
            return {"minutes": self.minutes}
        return dict(self._counted()) if self.steps is None else {"steps": self.steps}

    def total_steps(self, units_per_step: int) -> int | None:
        """Steps the budget buys, or None where it is counted in minutes."""
        if self.minutes is not None:
            return None
        if self.steps is not None:
            return self.steps
        (units,) = self._counted().values()
        return max(1, units // units_per_step)

    def fraction(self, step: int, steps: int | None, seconds: float) -> float:
        """The share already spent after `step` steps and `seconds` of training, at most 1."""
        if steps is not None:
            return min(1.0, step / steps)
        assert self.minutes is not None
        return min(1.0, seconds / (60.0 * self.minutes))

    def _counted(self) -> Mapping[str, int]:
        values = {unit: getattr(self, unit) for unit in UNITS}
        return {unit: value for unit, value in values.items() if value is not None}
