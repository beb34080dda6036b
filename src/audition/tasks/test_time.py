"""Test-time training: a language model learns on from each document that it is judged on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Gt

from audition.data.fingerprint import fingerprint
from audition.errors import AuditionError
from audition.measure import Measure
from audition.tasks.language import Language
from audition.tasks.task import Source, Task

if TYPE_CHECKING:
    from audition.recipe.batches import Batch, Batches, Clock
    from audition.recipe.evaluator import Evaluator
    from audition.recipe.streams import Streams


@dataclass(frozen=True, kw_only=True)
class DynamicEvaluation(Task):
    """Trained as language is, and judged by the loss of documents of which each window is scored
    and *then* learned, so that what was read helps with what comes (Krause et al. 2018).

    What learns is the run itself: its loss, gradient rule and effects, by plain SGD. A group of a
    batch counts as its document; a source that numbers domains instead has as many documents.
    """

    unit: ClassVar[str] = Language.unit
    measures: ClassVar[Mapping[str, Measure]] = {
        **Language.measures,
        "val_plain_loss": Measure("validation loss without learning", "nats/token"),
    }

    of: Language
    """What is trained on."""
    rate: Annotated[float, Ge(0)] = 0.1
    """Learning rate of SGD while a document is read; 0 learns nothing."""
    steps: Annotated[int, Ge(1)] = 1
    """Steps on each window."""
    reset: bool = True
    """Whether every document begins with the trained weights, or with those of the last one's end."""
    windows: Annotated[int, Gt(0)] = 64
    """The first so many of a document are read."""
    documents: Annotated[int, Gt(0)] = 16
    """The first so many of the validation text are read."""

    def measures_on(self, domains: Sequence[str]) -> Mapping[str, Measure]:
        return {**self.of.measures_on(domains), **self.measures}

    def evaluation_fingerprint(self, source: Source) -> str:
        return fingerprint(
            {"test time": asdict(self), "data": self.of.evaluation_fingerprint(source)}
        )

    def open(self, source: Source, streams: "Streams") -> "Batches":
        """The source's batches, held out in windows one by one.

        Raises AuditionError where they are no text, or not all of it would be read in order.
        """
        batches = self.of.open(source, streams)
        if getattr(source, "evaluation_tokens", "full") != "full":
            raise AuditionError(
                "task=test_time reads documents from their beginning, and a number of tokens is "
                "taken from all over the text: set data.evaluation_tokens=full, and "
                "task.documents and task.windows for less"
            )
        return Documents(batches, windows=self.windows, documents=self.documents)

    def evaluators(self) -> "Mapping[str, Evaluator]":
        from audition.evaluators.next_token import Dynamic

        return {"val": Dynamic(rate=self.rate, steps=self.steps, reset=self.reset)}


class Documents:
    """Batches whose held-out windows come one at a time, the first ones of the first documents."""

    def __init__(self, batches: "Batches", *, windows: int, documents: int) -> None:
        from audition.recipe.batches import carry_text

        self.whole = batches
        self.shape, self.domains = batches.shape, batches.domains
        carry_text(batches, self)
        self._windows, self._documents = windows, documents

    def train(self, clock: "Clock") -> "Batch":
        return self.whole.train(clock)

    def probe(self, step: int) -> "Batch":
        return self.whole.probe(step)

    def documents(self) -> Sequence[Sequence["Batch"]]:
        """The windows of each document in their order, each a batch of one row."""
        return self._pieces

    def held_out(self, at_once: int = 2048) -> Iterator["Batch"]:
        """One window at a time, whatever `at_once`: a bit of a logit may depend on the rows beside."""
        for pieces in self._pieces:
            yield from pieces

    @cached_property
    def _pieces(self) -> Sequence[Sequence["Batch"]]:
        found: dict[int, list[Batch]] = {}
        for batch in self.whole.held_out():
            for row, document in enumerate(batch.groups.tolist()):
                if document not in found and len(found) == self._documents:
                    return list(found.values())
                pieces = found.setdefault(document, [])
                if len(pieces) < self._windows:
                    pieces.append(batch.cut(slice(row, row + 1)))
        return list(found.values())
