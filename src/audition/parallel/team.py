"""The group of processes that share one run. The base class is a group of one and changes nothing."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from torch import Tensor, nn

from audition.recipe.batches import Batch
from audition.recipe.problem import GradientRule
from audition.recipe.signals import Tensors


class Team:
    """The members of one run. This base class is a team of one, and changes no bit of anything.

    Every member goes through the same steps on the same weights, and all call the same methods in
    the same order. What they decide by is the team's, so they decide alike.
    """

    rank: int = 0
    """This member's number; 0 alone watches the run and writes of it."""
    size: int = 1
    """How many members there are."""
    sharded: bool = False
    """Whether each member holds a part of every tensor, and writes that part of a checkpoint."""

    def spread(self, model: nn.Module) -> None:
        """Take from `model` what the other members hold of its weights."""

    def whole(self, model: nn.Module) -> AbstractContextManager[None]:
        """With it, `model` has all of its weights, for passes that this member makes by itself."""
        return nullcontext()

    def rule(self, inner: GradientRule) -> GradientRule:
        """`inner` on this member's share of whatever batch is asked about, averaged over all.

        It stands innermost, beneath everything that an idea or an effect wraps around it, so that
        each of them sees the gradient of the whole batch, half batch or other batch it asked for.
        """
        return inner

    def share(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """This member's part of `batches`: together, the members have each batch once."""
        return batches

    def sum(self, totals: Tensor) -> Tensor:
        """`totals` added up over the members."""
        return totals

    def any(self, asked: bool) -> bool:
        """Whether `asked` is true for any member."""
        return asked

    def longest(self, seconds: float) -> float:
        """The longest of the members' times."""
        return seconds

    def check(self, params: Tensors, step: int) -> None:
        """Raises AuditionError where the members do not have the same weights after `step` steps.

        Returns once every member has come this far.
        """


ALONE = Team()
