"""Where the windows of a corpus lie: those to train on, and those that are held out. Without torch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audition.data.stretches import Stretches
from audition.data.tokens import Tokenised, Tokens
from audition.errors import AuditionError

Starts = NDArray[np.int64]
"""[W]: the position of each window's first token."""


@dataclass(frozen=True)
class Cuts:
    """The training text in stretches, and the start of every held-out window."""

    stretches: Stretches
    held_out: Starts

    @classmethod
    def of(
        cls, corpus: Tokenised, *, batch_size: int, context: int, evaluation_tokens: int | None
    ) -> "Cuts":
        """Raises AuditionError where the corpus cannot give such batches.

        Args:
            corpus: the token ids of both splits.
            batch_size: rows of a batch.
            context: tokens of a row.
            evaluation_tokens: of the held-out windows together; None takes all.
        """
        stretches = Stretches.of(len(corpus.training.ids), context + 1)
        if stretches.windows < batch_size:
            raise AuditionError(
                f"data.batch_size={batch_size} is more than the {stretches.windows} windows "
                f"of data.context={context} tokens that the training text has"
            )
        return cls(stretches, spread(corpus.validation, context, evaluation_tokens))


def spread(tokens: Tokens, context: int, total: int | None) -> Starts:
    """Windows spread evenly over the documents, each by its length; all if `total` is None.

    A window begins where the last ended, so a token is a target once, and stays in its document.
    """
    every = np.concatenate(
        [
            np.empty(0, np.int64),
            *(
                np.arange(start, end - context, context)
                for start, end in zip(tokens.starts, tokens.starts[1:], strict=False)
            ),
        ]
    )
    wanted = len(every) if total is None else total // context
    if not len(every):
        raise AuditionError(
            f"data.context={context} is longer than every validation document: "
            f"the longest has {int(np.diff(tokens.starts).max(initial=0))} tokens"
        )
    if wanted > len(every):
        raise AuditionError(
            f"data.evaluation_tokens={total} is more than the validation text has: "
            f"give {len(every) * context} or fewer, or full"
        )
    places = (2 * np.arange(wanted) + 1) * len(every) // (2 * wanted)
    return every[places]
