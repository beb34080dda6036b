"""Which training text is trained on, and which is set aside for ideas to look at.

The text is cut into equal stretches and the end of each is set aside: the set-aside text comes from
everywhere in the corpus, and is the same for every seed, epoch and batch size.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audition.errors import AuditionError

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

    def starts(self, offset: int) -> NDArray[np.int64]:
        """[windows]: starts of the training windows, side by side from `offset` in each stretch."""
        stretch = np.arange(self.count)[:, None] * self.length
        return (stretch + offset + np.arange(self.per_stretch) * self.window).ravel()

    def probe_starts(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The position in the text of each place, counted from 0 to `probe_places`."""
        stretch, within = np.divmod(places, self.aside - self.window + 1)
        return (stretch + 1) * self.length - self.aside + within
