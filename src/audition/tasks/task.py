"""The interface of a task: what is asked of a data source, in which unit, and what is judged.

A source says what data there are, a task what is asked of them. Both are values made without torch,
so that a sweep knows them before any run starts.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from audition.budget import Budget
from audition.data.fingerprint import fingerprint
from audition.measure import Measure

if TYPE_CHECKING:  # torch comes with the first batch, not with the settings
    from audition.recipe.batches import Batches, Clock
    from audition.recipe.evaluator import Evaluator
    from audition.recipe.recipe import Schedule
    from audition.recipe.streams import Streams


class Source(Protocol):
    """What a config names as `data`."""

    @property
    def units_per_step(self) -> int:
        """Predictions of one optimizer step, in the unit of the tasks that can be asked of it."""
        ...

    @property
    def corpus_fingerprint(self) -> str:
        """What the data are; part of a run's identity."""
        ...

    @property
    def evaluation_fingerprint(self) -> str:
        """What a run is evaluated on: metrics compare where it agrees."""
        ...

    def open(self, streams: "Streams") -> "Batches":
        """The batches of a run."""
        ...


class Task:
    """What every task says. A task is one file here and one in `conf/task/`.

    Examples:
        Classification, judged by the loss in place of the accuracy:

        >>> from audition import Task
        >>> from audition.tasks.classification import Classification
        >>> class ByLoss(Classification):
        ...     measures = dict(reversed(Classification.measures.items()))
        >>> isinstance(ByLoss(), Task), ByLoss().primary
        (True, 'val_loss')
    """

    unit: ClassVar[str]
    """What a budget counts: `tokens`, `examples`, `episodes`."""
    measures: ClassVar[Mapping[str, Measure]]
    """Name in a record -> how it is read; the first is what the task is judged by."""

    begins_untrained: ClassVar[bool] = False
    """Whether a run is evaluated before its first step as well."""

    @property
    def primary(self) -> str:
        """The metric that runs are judged by where nothing else is asked for."""
        return next(iter(self.measures))

    def measures_on(self, domains: Sequence[str]) -> Mapping[str, Measure]:
        """The measures on data of which these domains are told apart; a task may have more for them."""
        return self.measures

    def open(self, source: Source, streams: "Streams") -> "Batches":
        """The batches of a run: the source's own, or what the task makes of them."""
        return source.open(streams)

    def evaluation_fingerprint(self, source: Source) -> str:
        """What runs are evaluated on: metrics compare where it agrees."""
        how = {"task": type(self).__qualname__, "settings": vars(self)}
        return fingerprint({"data": source.evaluation_fingerprint, **how})

    def evaluators(self) -> "Mapping[str, Evaluator]":
        """Those that make the task's measures; an idea may add others and never replace these."""
        raise NotImplementedError(f"{type(self).__name__} has no evaluators")

    def check(self, source: Source, budget: Budget, evaluations: int) -> None:
        """Raises AuditionError where the task cannot be asked of `source` in such a run."""

    def scheduled(self, schedule: "Schedule") -> "Schedule":
        """The schedule of a run: the one that its config names, by the clock that the task wants."""
        return schedule

    def restarts(self, clock: "Clock") -> bool:
        """Whether the optimizer forgets all that it remembers before the step at `clock`."""
        return False

    def summary(self, found: Sequence[Mapping[str, float]], due: int) -> Mapping[str, float]:
        """Metrics of what was `found` in the evaluations of a run so far, beside the last of them.

        Names are those of logged lines, such as `val/forgetting`. `due`: evaluations of a whole run.
        """
        return {}

    def history(self, found: Sequence[Mapping[str, float]], due: int) -> Mapping[str, Any]:
        """What a record keeps of all evaluations of a run, by the names of its fields."""
        return {}
