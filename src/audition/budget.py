"""How long a run trains: a number of tokens, of optimizer steps, or of minutes."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from audition.errors import AuditionError


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The budget of one run. `steps` or `minutes`, where given, takes the place of `tokens`."""

    tokens: Annotated[int, Gt(0)] = 1_000_000
    """Training tokens, rounded down to whole steps (at least one)."""
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

    def ruling(self) -> dict[str, float]:
        """The one setting that counts, by its name: what two runs must share to be compared."""
        if self.minutes is not None:
            return {"minutes": self.minutes}
        return {"tokens": self.tokens} if self.steps is None else {"steps": self.steps}

    def total_steps(self, tokens_per_step: int) -> int | None:
        """Steps the budget buys, or None where it is counted in minutes."""
        if self.minutes is not None:
            return None
        return self.steps or max(1, self.tokens // tokens_per_step)

    def fraction(self, step: int, steps: int | None, seconds: float) -> float:
        """The share already spent after `step` steps and `seconds` of training, at most 1."""
        if steps is not None:
            return min(1.0, step / steps)
        assert self.minutes is not None
        return min(1.0, seconds / (60.0 * self.minutes))
