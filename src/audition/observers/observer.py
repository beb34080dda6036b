"""The shape of an observer: six moments of a run, each of which it may look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from audition.recipe.batches import Clock
from audition.recipe.effect import Meters
from audition.recipe.problem import Gradient
from audition.recipe.signals import Controls
from audition.recipe.turnover import Event

if TYPE_CHECKING:
    from audition.session import Evaluation, Session


@dataclass(frozen=True)
class StepReport:
    """What a step did. Values stay on the device until they are read."""

    clock: Clock
    controls: Controls
    gradient: Gradient
    norm: Tensor | None  # [], of the gradients before clipping; None for a closed or unclipped step
    events: tuple[Event, ...]  # of apoptosis, in the order they were carried out
    meters: Callable[[], Meters] = dict  # of the effects, by name; read where a step is logged

    def loss(self) -> float:
        """The sum of the trained terms; waits for the device."""
        return float(sum(term.item() for term in self.gradient.terms.values()))


class Observer:
    """Looks at a session and never changes it; every moment does nothing by default.

    Examples:
        >>> from audition import Observer
        >>> class Largest(Observer):
        ...     worst = 0.0
        ...
        ...     def on_step(self, session, report):
        ...         self.worst = max(self.worst, report.loss())
    """

    def on_start(self, session: "Session", steps: int | None) -> None:
        """Before the first step (or the first after a resume) of `steps`, None if unknown."""

    def on_turnover(self, session: "Session", events: Sequence[Event]) -> None:
        """Just before the events of a step are carried out, after its update; mostly there are none."""

    def on_step(self, session: "Session", report: StepReport) -> None:
        """After each step."""

    def on_evaluated(self, session: "Session", evaluation: "Evaluation") -> None:
        """Right after each evaluation, while `session` still holds the weights that it saw."""

    def on_evaluation(self, session: "Session") -> None:
        """After each evaluation, which is the last of `session.evaluations`."""

    def on_end(self, session: "Session", status: str) -> None:
        """After the last step: `finished`, `diverged` or `interrupted`."""
