"""The interface of a positional policy, and of the module that it makes."""

from typing import ClassVar, Literal, Protocol

from torch import Tensor, nn

from audition.errors import AuditionError
from audition.parts.dims import Dims

Reach = Literal["queries and keys", "scores"]
"""What of an attention positions may act on."""


class Places(nn.Module):
    """One module a model. It may act on the embedded tokens, on queries and keys, and on scores.

    All three do nothing here. A variant overrides what it needs, and says in `acts_on` what an
    attention must have, so that a model whose attention lacks it is refused.
    """

    acts_on: ClassVar[frozenset[Reach]] = frozenset()

    def embed(self, x: Tensor) -> Tensor:
        """[B, T, C] embedded tokens, before the first block."""
        return x

    def rotate(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Queries [B, H, T, D] and keys [B, K, T, D] of any layer, after their norm."""
        return q, k

    def bias(self, places: int) -> Tensor | None:
        """What is added to the scores of so many tokens, [H, T, T]; None: nothing.

        Rows are queries. What stands above the diagonal is not read.
        """
        return None

    def check(self, attention: nn.Module) -> None:
        """Raises AuditionError for an attention without what these positions act on.

        An attention names what it has in `reached_by`; one that does not say has queries and keys.
        """
        has = getattr(attention, "reached_by", frozenset({"queries and keys"}))
        turned = "rope, " if "queries and keys" in has else ""
        for lacking in sorted(self.acts_on - has):
            raise AuditionError(
                f"{type(self).__name__} acts on the {lacking} of attention, and "
                f"{type(attention).__name__} has none: choose positional={turned}learned, sinusoidal "
                "or none, or attention=causal"
            )


class Positional(Protocol):
    """Called once a model; an idea may pass its own."""

    def __call__(self, dims: Dims) -> Places:
        """The model's positional module."""
        ...
