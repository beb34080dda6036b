"""What a search was asked for, and what of that can be refused before anything has started."""

import re
from dataclasses import dataclass
from typing import Any

from audition.errors import AuditionError
from audition.sweep.arms import more_seeds

NAME = r"[A-Za-z0-9_][A-Za-z0-9_.+=-]*"
"""Of a study: it names files beside the ledger."""
INSIDE = ("median", "hyperband")
"""Pruners that look at the evaluations inside a run, and may end it."""


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """The settings of `hydra/sweeper=search`."""

    space: Any
    trials: int = 40
    objectives: tuple[str, ...] = ()  # none: the metric that the task is judged by
    sampler: str = "tpe"
    sampler_seed: int = 0
    pruner: str = "auto"
    prune_p: float = 0.3
    study: str | None = None
    storage: str | None = None
    known: tuple[str, ...] = ()
    candidates: int = 2
    fresh_seeds: int = 5
    write: str | None = None

    def check(self) -> None:
        """Raises AuditionError for what no annotation says: names that repeat or lead elsewhere."""
        if len(set(self.objectives)) < len(self.objectives):
            raise AuditionError(
                f"hydra.sweeper.objectives={list(self.objectives)} must name each objective once"
            )
        if self.study is not None and not re.fullmatch(NAME, self.study):
            raise AuditionError(
                f"hydra.sweeper.study={self.study} is no name: letters, digits and . _ - + = alone, "
                "the first one no point"
            )

    def fresh(self, seeds: tuple[int, ...]) -> tuple[int, ...]:
        """The fresh seeds beside `seeds`, which choose. Raises AuditionError for too many."""
        return more_seeds(seeds, self.fresh_seeds, f"hydra.sweeper.fresh_seeds={self.fresh_seeds}")

    def pruner_for(self, seeds: int, evaluations: int) -> str:
        """The pruner that `auto` stands for.

        Raises AuditionError where the chosen one would never see a value to judge by.
        """
        several = len(self.objectives) > 1
        if self.pruner == "auto":
            return "wilcoxon" if seeds > 2 and not several else "none"
        if self.pruner != "none" and several:
            raise AuditionError(
                f"hydra.sweeper.pruner={self.pruner} needs one objective, and there are "
                f"{len(self.objectives)}: choose none"
            )
        if self.pruner == "wilcoxon" and seeds < 3:
            raise AuditionError(
                f"hydra.sweeper.pruner=wilcoxon has no values before the last of {seeds} seeds to "
                "judge by: give seed=... three or more, or choose median, hyperband or none"
            )
        if self.pruner in INSIDE and evaluations < 2:
            raise AuditionError(
                f"hydra.sweeper.pruner={self.pruner} has no values inside a run to judge by: "
                "training.evaluations must be 2 or more"
            )
        return self.pruner
