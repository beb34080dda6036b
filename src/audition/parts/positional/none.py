"""No notion of position."""

from dataclasses import dataclass

from audition.parts.dims import Dims
from audition.parts.positional.places import Places


@dataclass(frozen=True, kw_only=True)
class NoPosition:
    """Tokens are not told where they stand.

    A causal model still knows order, if weakly: how much a token can look back on.
    """

    def __call__(self, dims: Dims) -> Places:
        return Places()
