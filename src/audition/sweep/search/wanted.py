"""What a search was asked for, and what of that can be refused before anything has started."""

from dataclasses import dataclass
from typing import Any

from audition.errors import AuditionError, choices

SAMPLERS = ("tpe", "random", "qmc", "gp", "nsga2", "grid")
PRUNERS = ("auto", "wilcoxon", "median", "hyperband", "none")
INSIDE = ("median", "hyperband")
"""Pruners that look at the evaluations inside a run, and may end it."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
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
        """Raises AuditionError for a setting that is none of its choices, or out of range."""
        for name, value, known in (
            ("sampler", self.sampler, SAMPLERS),
            ("pruner", self.pruner, PRUNERS),
        ):
            if value not in known:
                raise AuditionError(
                    f"hydra.sweeper.{name}={value} is unknown{choices(value, known)}"
                )
        for name, least in (("trials", 1), ("candidates", 0), ("fresh_seeds", 2)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise AuditionError(f"hydra.sweeper.{name}={value} must be {least} or more")
        if len(set(self.objectives)) < len(self.objectives):
            raise AuditionError(
                f"hydra.sweeper.objectives={list(self.objectives)} must name each objective once"
            )

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
