"""Language modelling: predict the next token of text that training never sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from audition.errors import AuditionError
from audition.measure import Measure
from audition.tasks.task import Source, Task

if TYPE_CHECKING:
    from audition.recipe.batches import Batches
    from audition.recipe.evaluator import Evaluator
    from audition.recipe.streams import Streams


@dataclass(frozen=True, kw_only=True)
class Language(Task):
    """Judged by the cross-entropy of a validation text, per token; bits per byte stand beside it.

    A gain counts from 0.005 on, half a percent of the perplexity, and about the standard deviation
    of one seed of the default run.
    """

    unit: ClassVar[str] = "tokens"
    measures: ClassVar[Mapping[str, Measure]] = {
        "val_loss": Measure("validation loss", "nats/token", worth=0.005),
        "val_bpb": Measure("validation bits per byte", "bits/byte", worth=0.005),
    }

    def measures_on(self, domains: Sequence[str]) -> Mapping[str, Measure]:
        """Both measures over all of the validation text, then over each domain by itself."""
        return dict(self.measures) | {
            f"{name}_{domain}": replace(how, label=f"{how.label} on {domain}")
            for domain in domains
            for name, how in self.measures.items()
        }

    def evaluation_fingerprint(self, source: Source) -> str:
        return source.evaluation_fingerprint

    def open(self, source: Source, streams: "Streams") -> "Batches":
        """The source's batches. Raises AuditionError where they are no text."""
        batches = source.open(streams)
        if not hasattr(batches, "byte_lengths"):
            raise AuditionError(
                f"task=language asks for the next token of a text, and {type(source).__name__} has "
                "none: choose other data, or task=classification"
            )
        return batches

    def evaluators(self) -> "Mapping[str, Evaluator]":
        from audition.evaluators.next_token import NextToken

        return {"val": NextToken()}
