"""The settings of a search, each written once, and what of them is refused before anything starts.

Hydra loads this with its plug-ins at every start, so it imports nothing heavy.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval

from audition.config.root import more_seeds
from audition.errors import AuditionError
from audition.sweep.settings import CONFIRMS_ITSELF, SweepSettings

NAME = r"[A-Za-z0-9_][A-Za-z0-9_.+=-]*"
"""Of a study: it names files beside the ledger."""
INSIDE = ("median", "hyperband")
"""Pruners that look at the evaluations inside a run, and may end it."""


@dataclass(frozen=True, kw_only=True)
class SearchSettings(SweepSettings):
    """The settings of `hydra/sweeper=search`, which has no `arms`."""

    space: Mapping[str, Any] | None = None
    """What to try, by key: {low: 1e-4, high: 1e-1, log: true}, [a, b], or {choice: {key: ...}}."""
    trials: Annotated[int, Gt(0)] = 40
    """In all, whichever processes serve the study."""
    objectives: Sequence[str] | None = None
    """Metrics to improve, or facts of a record to minimise (seconds); null: the task's metric."""
    sampler: Literal["tpe", "random", "qmc", "gp", "nsga2", "grid"] = "tpe"
    """How Optuna proposes the next trial."""
    sampler_seed: Annotated[int, Interval(ge=0, lt=2147483648)] = 0
    """Of the process that creates the study; others derive theirs from it."""
    pruner: Literal["auto", "wilcoxon", "median", "hyperband", "none"] = "auto"
    """How hopeless trials are ended early; auto: wilcoxon where there are three seeds or more."""
    prune_p: Annotated[float, Interval(gt=0, lt=1)] = 0.3
    """Wilcoxon's p under which a trial is ended between two seeds (two worse seeds have .25)."""
    study: str | None = None
    """A name to go on under; null: derived from the question, so that the same command goes on."""
    storage: str | None = None
    """null: a journal file in studies/ of the ledger; or postgresql://USER@HOST/DATABASE."""
    known: Sequence[str] | None = None
    """Points to try after the default, each a line of overrides."""
    candidates: Annotated[int, Ge(0)] = 2
    """Best trials that are run on fresh seeds; 0 judges none."""
    fresh_seeds: Annotated[int, Interval(gt=1, le=1000)] = 5
    """Seeds that judge the candidates, beside the screening seeds seed=42,137,256."""
    write: str | None = None
    """Name of an experiment to write the answer to, in conf/experiment/."""

    def check(self) -> None:
        """Raises AuditionError for what no annotation says: names that repeat or lead elsewhere."""
        if self.confirm:
            raise AuditionError(CONFIRMS_ITSELF)
        named = self.objectives or ()
        if len(set(named)) < len(named):
            raise AuditionError(
                f"hydra.sweeper.objectives={list(named)} must name each objective once"
            )
        if self.study is not None and not re.fullmatch(NAME, self.study):
            raise AuditionError(
                f"hydra.sweeper.study={self.study} is no name: letters, digits and . _ - + = alone, "
                "the first one no point"
            )

    def fresh(self, seeds: tuple[int, ...]) -> tuple[int, ...]:
        """The fresh seeds beside `seeds`, which choose."""
        return more_seeds(seeds, self.fresh_seeds)

    def pruner_for(self, seeds: int, evaluations: int) -> str:
        """The pruner that `auto` stands for.

        Raises AuditionError where the chosen one would never see a value to judge by.
        """
        objectives = len(self.objectives or (None,))
        if self.pruner == "auto":
            return "wilcoxon" if seeds > 2 and objectives == 1 else "none"
        if self.pruner != "none" and objectives > 1:
            raise AuditionError(
                f"hydra.sweeper.pruner={self.pruner} needs one objective, and there are "
                f"{objectives}: choose none"
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
