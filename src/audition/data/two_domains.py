"""Two texts with one tokenizer: trained on in fixed shares, validated together and each by itself."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Gt, Lt

from audition.data.corpus import Corpus
from audition.data.cuts import Cuts
from audition.data.fingerprint import fingerprint
from audition.data.source import Source
from audition.data.text import Text
from audition.data.tokenizers import learn
from audition.data.tokens import Tokenised
from audition.errors import AuditionError

if TYPE_CHECKING:  # torch comes with the first batch, not with the settings
    from audition.data.mixture import Mixture
    from audition.recipe.streams import Streams

PARTS = ("first", "second")


@dataclass(frozen=True, kw_only=True)
class TwoDomains(Source):
    """The tokenizer is learned on both training splits. Each source is called by its module's name.

    Held-out tokens are shared out as the training rows are, but `full` takes all of both.
    """

    first: Corpus
    """A text. Tokenizer, windows and batches are set for both."""
    second: Corpus
    """Another one."""
    share: Annotated[float, Gt(0), Lt(1)] = 0.5
    """Share of the training windows that are of the first, the same over every stretch of steps."""

    def __post_init__(self) -> None:
        super().__post_init__()
        here = {field.name for field in fields(Source)}
        for name, source in zip(PARTS, self._sources, strict=True):
            for field in fields(source) if isinstance(source, Source) else ():
                value = getattr(source, field.name)
                if field.name in here and value not in (field.default, self.cache_dir):
                    raise AuditionError(
                        f"data.{name}.{field.name} has no meaning where two texts have one "
                        f"tokenizer and one kind of windows: set data.{field.name} for both"
                    )
        if any(total is not None and total < self.context for total in self._evaluated_each):
            raise AuditionError(
                f"data.evaluation_tokens={self.evaluation_tokens} leaves one of two domains less than "
                f"a window of data.context={self.context} tokens: give more, or full"
            )

    @property
    def domains(self) -> tuple[str, ...]:
        one, other = (type(s).__module__.rpartition(".")[2] for s in self._sources)
        return (one, other) if one != other else (f"{one}_1", f"{other}_2")

    @property
    def remarks(self) -> tuple[str, ...]:
        return (*self.first.remarks, *self.second.remarks)

    @property
    def text_fingerprint(self) -> str:
        return fingerprint({"domains": [source.text_fingerprint for source in self._sources]})

    @property
    def evaluation_fingerprint(self) -> str:
        return fingerprint({"windows": super().evaluation_fingerprint, "share": self.share})

    def text(self) -> Text:
        return _joined([source.text() for source in self._sources])

    def check(self) -> None:
        for corpus, total in zip(self.corpora(), self._evaluated_each, strict=True):
            Cuts.of(
                corpus, batch_size=self.batch_size, context=self.context, evaluation_tokens=total
            )

    def corpora(self) -> tuple[Tokenised, Tokenised]:
        """Both texts as token ids of the one tokenizer."""
        folder = self._cached()
        first, second = (Tokenised.load(folder, f"{name}.") for name in PARTS)
        return first, second

    def open(self, streams: "Streams") -> "Mixture":  # type: ignore[override]
        """The batches of a run. Raises AuditionError where a corpus is too small for them."""
        from audition.data.mixture import Mixture
        from audition.data.windows import Windows

        corpora = self.corpora()
        first, second = (
            Windows(
                corpus,
                streams.child("domain", str(i)),
                batch_size=self.batch_size,
                context=self.context,
                evaluation_tokens=total,
            )
            for i, (corpus, total) in enumerate(zip(corpora, self._evaluated_each, strict=True))
        )
        one = corpora[0]
        return Mixture(
            (first, second),
            domains=self.domains,
            share=self.share,
            batch_size=self.batch_size,
            behind=(len(one.training.ids), len(one.validation.ids)),
        )

    def _save(self, folder: Path) -> None:
        texts = [source.text() for source in self._sources]
        tokenizer = learn(_joined(texts), self.tokenizer, self.vocab_size)
        for name, text in zip(PARTS, texts, strict=True):
            Tokenised.of(text, tokenizer).save(folder, f"{name}.")

    @property
    def _sources(self) -> tuple[Corpus, Corpus]:
        return self.first, self.second

    @property
    def _evaluated_each(self) -> tuple[int | None, int | None]:
        if self.evaluation_tokens == "full":
            return None, None
        first = round(self.evaluation_tokens * self.share)
        return first, self.evaluation_tokens - first


def _joined(texts: list[Text]) -> Text:
    return Text(
        training=tuple(document for text in texts for document in text.training),
        validation=tuple(document for text in texts for document in text.validation),
    )
