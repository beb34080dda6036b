"""What a config names as `data`: a corpus with its tokenizer and the way it is cut into windows."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Gt

from audition.data.cache import cached
from audition.data.corpus import Corpus
from audition.data.cuts import Cuts
from audition.data.fingerprint import fingerprint
from audition.data.tokenizers import learn
from audition.data.tokens import Tokenised
from audition.errors import AuditionError

if TYPE_CHECKING:  # torch comes with the first batch, not with the settings
    from audition.data.windows import Windows
    from audition.recipe.streams import Streams

EVALUATION_RULE = "windows at a stride of the context, spread evenly over the validation documents"


@dataclass(frozen=True, kw_only=True)
class Source(Corpus):
    """The settings that every corpus has. Two runs compare if `evaluation_fingerprint` agrees."""

    tokenizer: Literal["characters", "bpe"] = "characters"
    """One id a character, or byte-level byte pairs learned on the training split."""
    vocab_size: Annotated[int, Ge(256)] | None = None
    """Tokens of a bpe vocabulary; characters make their own and leave it null."""
    batch_size: Annotated[int, Gt(0)] = 12
    """Windows of an optimizer step."""
    context: Annotated[int, Gt(0)] = 64
    """Tokens of a window."""
    evaluation_tokens: Annotated[int, Gt(0)] | Literal["full"] = 131_072
    """Held-out tokens of one evaluation, rounded down to whole windows; `full` takes every one."""
    cache_dir: str = "outputs/cache"
    """Where token ids are kept; all runs share them, and they can be deleted at any time."""

    def __post_init__(self) -> None:
        if self.tokenizer == "bpe" and self.vocab_size is None:
            raise AuditionError("data.tokenizer=bpe needs data.vocab_size, 4096 for example")
        if self.tokenizer == "characters" and self.vocab_size is not None:
            raise AuditionError(
                f"data.vocab_size={self.vocab_size} has no meaning for data.tokenizer=characters: "
                "set it to null, or set data.tokenizer=bpe"
            )
        if self.evaluation_tokens != "full" and self.evaluation_tokens < self.context:
            raise AuditionError(
                f"data.evaluation_tokens={self.evaluation_tokens} is less than one window of "
                f"data.context={self.context} tokens: give more, or full"
            )

    @property
    def units_per_step(self) -> int:
        """Tokens of an optimizer step."""
        return self.batch_size * self.context

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of the parts that are also measured each by itself; () for one text."""
        return ()

    @property
    def prepared(self) -> bool:
        """Whether the token ids are in the cache; the first run of all has to wait for them."""
        return (Path(self.cache_dir) / self.corpus_fingerprint).is_dir()

    def check(self) -> None:
        """Raises AuditionError where the text is missing, or too small for such batches.

        Called before the first run; makes the token ids that all runs share.
        """
        Cuts.of(
            self.tokenised(),
            batch_size=self.batch_size,
            context=self.context,
            evaluation_tokens=self._evaluated,
        )

    @property
    def corpus_fingerprint(self) -> str:
        """What the token ids are: text, split and tokenizer, whatever the windows."""
        library = version("tokenizers") if self.tokenizer == "bpe" else None
        return fingerprint(
            {
                "text": self.text_fingerprint,
                "tokenizer": [self.tokenizer, self.vocab_size, library],
            }
        )

    @property
    def evaluation_fingerprint(self) -> str:
        """What a validation loss is measured on: losses compare if this agrees."""
        return fingerprint(
            {
                "corpus": self.corpus_fingerprint,
                "windows": [EVALUATION_RULE, self.context, self.evaluation_tokens],
            }
        )

    def tokenised(self) -> Tokenised:
        """The corpus as token ids, from the cache or, the first time, into it."""
        return Tokenised.load(self._cached())

    def _cached(self) -> Path:
        """The folder with the token ids. Raises AuditionError where the text changes meanwhile."""

        def make(folder: Path) -> None:
            self._save(folder)
            if self.corpus_fingerprint != key:
                raise AuditionError("the text was changed while it was read: try again")

        key = self.corpus_fingerprint
        return cached(Path(self.cache_dir), key, make)

    def _save(self, folder: Path) -> None:
        text = self.text()
        Tokenised.of(text, learn(text, self.tokenizer, self.vocab_size)).save(folder)

    def open(self, streams: "Streams") -> "Windows":
        """The batches of a run. Raises AuditionError where the corpus is too small for them."""
        from audition.data.windows import Windows

        return Windows(
            self.tokenised(),
            streams,
            batch_size=self.batch_size,
            context=self.context,
            evaluation_tokens=self._evaluated,
        )

    @property
    def _evaluated(self) -> int | None:
        return None if self.evaluation_tokens == "full" else self.evaluation_tokens
