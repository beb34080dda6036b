"""How much tuning each side of a fair fight gets."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Interval

from audition.sweep.arms import more_seeds


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """What `tune=...` spends on every arm, the baseline as much as each idea."""

    trials: Annotated[int, Interval(gt=1, le=1000)] | None = None
    """Settings that each arm is tried at; null: 5 of a single key, 20 of several or of a search."""
    factor: Annotated[float, Gt(1)] = 2.0
    """Between neighbouring values of a tuned key, which spread around each arm's own default."""
    fresh_seeds: Annotated[int, Gt(1)] = 5
    """Seeds that judge the arms at their best; they chose nothing."""

    def fresh(self, seeds: tuple[int, ...]) -> tuple[int, ...]:
        """The fresh seeds beside `seeds`, which choose. Raises AuditionError for too many."""
        return more_seeds(seeds, self.fresh_seeds, f"tuning.fresh_seeds={self.fresh_seeds}")
