"""Classification: name the class of examples that training never sees."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from audition.errors import AuditionError
from audition.measure import Measure
from audition.tasks.task import Source, Task

if TYPE_CHECKING:
    from audition.recipe.batches import Batches
    from audition.recipe.evaluator import Evaluator
    from audition.recipe.streams import Streams


@dataclass(frozen=True, kw_only=True)
class Classification(Task):
    """Judged by accuracy; the cross-entropy stands beside it (`metric=val_loss` judges by that).

    Cross-entropy sees smaller differences than accuracy, but an arm that changes the objective, by
    label smoothing for instance, is worse by it and may be better by accuracy.
    """

    unit: ClassVar[str] = "examples"
    measures: ClassVar[Mapping[str, Measure]] = {
        "val_accuracy": Measure("validation accuracy", "%", "higher", worth=0.5),
        "val_loss": Measure("validation loss", "nats/example"),
    }

    def open(self, source: Source, streams: "Streams") -> "Batches":
        """The source's batches. Raises AuditionError where their rows have not one class each."""
        from audition.recipe.batches import Clock

        batches = source.open(streams)
        if batches.train(Clock(0)).targets.ndim != 1:
            raise AuditionError(
                f"task=classification asks for one class of every row, and {type(source).__name__} "
                "has many answers in each: choose other data, or task=language"
            )
        return batches

    def evaluators(self) -> "Mapping[str, Evaluator]":
        from audition.evaluators.classes import Classes

        return {"val": Classes()}
