"""One run to be trained, as a value, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Gt

from audition.budget import Budget
from audition.errors import AuditionError
from audition.execution import Execution
from audition.parallel.team import ALONE, Team
from audition.recipe.evaluator import Evaluator
from audition.recipe.recipe import Recipe
from audition.session import Session
from audition.tasks.language import Language
from audition.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class Training:
    """The loop's own settings."""

    clip: Annotated[float, Gt(0)] | None = 1.0
    """Global norm to which gradients are clipped; null never clips."""
    evaluations: Annotated[int, Gt(0)] = 2
    """Full passes over the held-out windows, evenly spread; the last falls on the last step."""
    looks: Annotated[int, Ge(0)] = 12
    """Looks at a few held-out rows between the full passes, for curves alone; 0: none."""
    check_every: Annotated[int, Gt(0)] = 10
    """Steps between looks at whether the loss is still finite; a look waits for the device."""


@dataclass(frozen=True)
class Job:
    """One run to be trained: a recipe, a seed, how long, on what and with whom."""

    recipe: Recipe
    seed: int
    task: Task = field(default_factory=Language)
    budget: Budget = field(default_factory=Budget)
    training: Training = field(default_factory=Training)
    execution: Execution = field(default_factory=Execution)
    team: Team = ALONE

    @property
    def evaluators(self) -> Mapping[str, Evaluator]:
        """The task's evaluators, then the others; raises AuditionError where two share a name."""
        judged, beside = self.task.evaluators(), self.recipe.evaluators
        for name in judged.keys() & beside.keys():
            raise AuditionError(
                f"evaluator '{name}' would replace the task's own of that name: rename it"
            )
        return {**judged, **beside}


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and what it had spent by then."""

    status: Literal["finished", "diverged", "interrupted"]
    session: Session
    reason: str = ""

    @property
    def final(self) -> Mapping[str, float]:
        """The metrics of the last evaluation, empty before the first."""
        return self.session.evaluations[-1].metrics if self.session.evaluations else {}
