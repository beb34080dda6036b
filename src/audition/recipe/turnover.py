"""The interface of an apoptosis strategy: it reads the units and proposes events, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from audition.recipe.probe import Probe
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View
from audition.recipe.units import Units

State = Any
"""Whatever a strategy remembers: a value made of tensors, numbers, strings, tuples, lists, dicts."""

Moments = Literal["zero", "keep", "copy"]
"""What becomes of the optimizer's moments of rewritten entries."""


def no_units() -> Tensor:
    """An empty list of units."""
    return torch.empty(0, dtype=torch.int64)


@dataclass(frozen=True)
class Edit:
    """New values for some entries of one parameter, or buffer, along one axis; the rest keep theirs.

    `moments` says what the optimizer remembers of these entries from now on: nothing ("zero"), what
    it did ("keep"), or what it remembered of the entries `source` before the event ("copy").

    Examples:
        Row 3 of a matrix becomes zero, and the optimizer forgets it:

        >>> import torch
        >>> from audition import Edit
        >>> edit = Edit("up.weight", axis=0, index=torch.tensor([3]), values=torch.zeros(1, 8))
        >>> edit.moments
        'zero'
    """

    parameter: str
    axis: int
    index: Tensor  # [k] int64, entries along `axis`
    values: Tensor  # the parameter's shape, but for k entries along `axis`
    moments: Moments = "zero"
    source: Tensor | None = None  # [k] int64, for "copy" alone

    def __post_init__(self) -> None:
        if (self.moments == "copy") != (self.source is not None):
            raise ValueError("an edit has a source exactly where it copies moments")


@dataclass(frozen=True)
class Event:
    """What changes at one site after a step: what surgery carries out and the lineage records.

    First the site grows, if `resize` asks for more units than it has without `removed`; then the
    edits are made; then `removed` are taken out. So one numbering holds throughout: units that are
    added come after the last, and those that will be taken out still have theirs.

    Examples:
        Of four units, unit 1 is born anew from unit 0, and unit 3 leaves:

        >>> import torch
        >>> from audition import Event
        >>> event = Event(
        ...     "blocks.0.feedforward",
        ...     born=torch.tensor([1]),
        ...     parents=torch.tensor([[0]]),
        ...     resize=3,
        ...     removed=torch.tensor([3]),
        ... )
        >>> event.carry(torch.tensor([10.0, 11.0, 12.0, 13.0]))
        tensor([10., 11., 12.])
    """

    site: str
    born: Tensor  # [k] int64, units that begin anew: in the place of a dead one, or added
    parents: Tensor  # [k, p] int64, the units they are made from; p is 0 where there are none
    edits: tuple[Edit, ...] = ()
    resize: int | None = None  # units of the site afterwards; None where they are as many as before
    removed: Tensor = field(default_factory=no_units)  # int64, units taken out and not replaced
    facts: Mapping[str, Tensor] = field(default_factory=dict)
    """Name -> [k], of each birth. `alpha`: the share of the first parent, in a child's incoming
    weights where there are two parents, of its outgoing ones where there is one. `sigma`: size of
    the noise that was added, relative to the root mean square of the row."""
    fitness: Tensor | None = None  # [H] of the site's units just before, where it was measured
    strategy: str = ""  # how its units were made, in a word: the name of a heredity

    def carry(self, values: Tensor, fresh: float = 0.0) -> Tensor:
        """One value a unit, [count], numbered as after the event; added units get `fresh`."""
        stay = self.stay(len(values)).to(values.device)
        added = self.grown(len(values)) - len(values)
        return torch.cat([values[stay], values.new_full((added,), fresh)])

    def stay(self, count: int) -> Tensor:
        """Which of `count` units are still there afterwards, in order, on the CPU.

        Raises ValueError where `removed` names a unit twice, or one that is not there.
        """
        removed = self.removed.tolist()
        if len({*removed}) < len(removed) or not all(0 <= j < count for j in removed):
            raise ValueError(
                f"of {self.site}, which has {count} units, these cannot be removed: {removed}"
            )
        stays = torch.ones(count, dtype=torch.bool)
        stays[removed] = False
        return stays.nonzero().flatten()

    def grown(self, count: int) -> int:
        """Units of a site of `count` after it grew and before any left.

        Raises ValueError where the numbers do not add up.
        """
        left = count if self.resize is None else self.resize
        grown = left + len(self.removed)
        if left < 1 or grown < count:
            raise ValueError(
                f"{self.site} of {count} units cannot have {left} after {len(self.removed)} left"
            )
        return grown


class Turnover:
    """Which units die and what replaces them. This base class is the neutral element: none dies.

    Examples:
        >>> from audition import Turnover
        >>> Turnover().propose(probe=None, gradient=None, state=None, view=None)
        ((), None)
    """

    def init(self, sites: Mapping[str, Units], params: Tensors) -> State:
        """The state before the first step."""
        return None

    def check(self, steps: int | None) -> None:
        """Raise AuditionError where a run of `steps` (None: of minutes) has no place for it."""

    def untested(self, state: State) -> str:
        """Why a run that ended in `state` says nothing of the strategy; empty where it does."""
        return ""

    def propose(
        self, probe: Probe, gradient: Gradient, state: State, view: View
    ) -> tuple[Sequence[Event], State]:
        """The events due after this step, usually none, each of another site.

        `view.params` are the weights after the update, `gradient` is from before it. What the probe
        is asked is counted as compute of the run.
        """
        return (), state
