"""Language modelling judged per byte of text, so that runs with different tokenizers compare."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from audition.data.fingerprint import fingerprint
from audition.errors import AuditionError
from audition.measure import Measure
from audition.tasks.language import Language
from audition.tasks.task import Source

if TYPE_CHECKING:
    from audition.recipe.evaluator import Evaluator


@dataclass(frozen=True, kw_only=True)
class LanguagePerByte(Language):
    """Judged by bits per UTF-8 byte of the whole validation text, whatever the tokens.

    A loss per token is no measure here: with other tokens it is the loss of another question. A
    budget in tokens gives both sides as many predictions, and a tokenizer with longer tokens more
    text.
    """

    measures: ClassVar[Mapping[str, Measure]] = {"val_bpb": Language.measures["val_bpb"]}

    def evaluation_fingerprint(self, source: Source) -> str:
        """The validation text alone. Raises AuditionError where not all of it is read."""
        text = getattr(source, "text_fingerprint", None)
        if text is None:
            return super().evaluation_fingerprint(source)  # no text: `open` says so
        if getattr(source, "evaluation_tokens", "full") != "full":
            raise AuditionError(
                "task=language_per_byte compares tokenizers, and a number of tokens is another "
                "stretch of text for each of them: set data.evaluation_tokens=full"
            )
        return fingerprint({"bits per byte of": text})

    def evaluators(self) -> "Mapping[str, Evaluator]":
        from audition.evaluators.next_token import PerByte

        return {"val": PerByte()}
