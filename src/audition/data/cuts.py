"""Where the windows of a corpus lie: to train on, for ideas to look at, and held out. Without torch.

The training text is cut into equal stretches and the end of each is set aside for ideas to look at:
that text comes from everywhere in the corpus, and is the same for every seed, epoch and batch size.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audition.data.tokens import Tokenised, Tokens
from audition.errors import AuditionError

Starts = NDArray[np.int64]
"""[W]: the position of each window's first token."""

STRETCHES = 50
SHARE = 50
"""One token in this many is set aside."""


@dataclass(frozen=True)
class Stretches:
    """`count` stretches of `length` tokens, the last `aside` of each set aside."""

    count: int
    length: int
    aside: int
    window: int  # tokens of a window, the targets' last one included

    @classmethod
    def of(cls, tokens: int, window: int) -> "Stretches":
        """Fewer stretches where a fiftieth of a fiftieth would not hold a window.

        Raises AuditionError for a text that is shorter than three windows.
        """
        if tokens < 6:
            raise AuditionError(
                f"the training text has {tokens} tokens, too few for windows of any length: "
                "give a longer text"
            )
        if tokens < 3 * window:
            raise AuditionError(
                f"data.context={window - 1} is too long for the training text of {tokens} tokens: "
                f"choose {tokens // 3 - 1} or less"
            )
        count = min(STRETCHES, max(1, tokens // (SHARE * window)))
        length = tokens // count
        return cls(count, length, max(window, length // SHARE), window)

    @property
    def per_stretch(self) -> int:
        """Windows that fit a stretch at every offset below a window's length."""
        return (self.length - self.aside - self.window + 1) // self.window

    @property
    def windows(self) -> int:
        return self.count * self.per_stretch

    @property
    def probe_places(self) -> int:
        """Positions at which a window of set-aside text can start."""
        return self.count * (self.aside - self.window + 1)

    def starts(self, offset: int) -> Starts:
        """[windows]: starts of the training windows, side by side from `offset` in each stretch."""
        stretch = np.arange(self.count)[:, None] * self.length
        return (stretch + offset + np.arange(self.per_stretch) * self.window).ravel()

    def probe_starts(self, places: NDArray[np.int64]) -> Starts:
        """The position in the text of each place, counted from 0 to `probe_places`."""
        stretch, within = np.divmod(places, self.aside - self.window + 1)
        return (stretch + 1) * self.length - self.aside + within


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
