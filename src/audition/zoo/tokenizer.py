"""Our tokenizers as those of the library `tokenizers`: the same ids, and the text back exactly."""

from pathlib import Path
from typing import Any

from audition.data.tokenizers import BytePairs, Characters, Tokenizer
from audition.errors import AuditionError


def as_library(tokenizer: Tokenizer) -> Any:
    """A `tokenizers.Tokenizer` of the same ids. Raises AuditionError for a kind that it lacks."""
    from tokenizers import Regex, decoders, models, pre_tokenizers
    from tokenizers import Tokenizer as Theirs

    if isinstance(tokenizer, BytePairs):
        return Theirs.from_str(tokenizer.model)
    if not isinstance(tokenizer, Characters):
        raise AuditionError(
            f"{type(tokenizer).__name__} is no tokenizer that transformers can have"
        )
    made: Any = Theirs(models.WordLevel({c: i for i, c in enumerate(tokenizer.alphabet)}))
    made.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    made.decoder = decoders.Fuse()
    return made


def write_tokenizer(tokenizer: Tokenizer, folder: Path, context: int) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json` into `folder`."""
    from transformers import PreTrainedTokenizerFast

    fast: Any = PreTrainedTokenizerFast(
        tokenizer_object=as_library(tokenizer),
        model_max_length=context,
        clean_up_tokenization_spaces=False,
        padding_side="right",
    )
    fast.save_pretrained(folder)
