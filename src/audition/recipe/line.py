"""A delay line: trees of earlier steps, the oldest first, for effects that act over time."""

from typing import TypeVar

from audition.errors import AuditionError
from audition.recipe import tree
from audition.recipe.batches import Clock
from audition.recipe.signals import Tensors
from audition.recipe.units import Resize

T = TypeVar("T")

Line = tuple[Tensors, ...]


def silent(params: Tensors, length: int) -> Line:
    """A line of noughts: of one set of them, since a line's trees are never edited."""
    return (tree.zeros(params),) * length


def pushed(line: tuple[T, ...], latest: T, length: int) -> tuple[T, ...]:
    """The line, no longer than `length`, with `latest` at its end: the caller's own, not a signal."""
    return (*line, latest)[-length:]


def allpass(x: Tensors, held: Tensors, coefficient: float) -> tuple[Tensors, Tensors]:
    """One step of y_t = -a x_t + x_(t-D) + a y_(t-D), and what it adds D steps later, x + a y.

    Of a steady coefficient it keeps the energy of every series: Σ y² = Σ x² once it has rung out.
    """
    out = tree.add(held, x, -coefficient)
    return out, tree.add(x, out, coefficient)


def followed(line: Line, resize: Resize, params: Tensors) -> Line:
    """The line once a layer was given more or fewer units; new entries were nought."""
    nought = tree.zeros(params)
    return tuple(resize.follow(held, nought) for held in line)


def check_fits(length: int, clock: Clock, setting: str) -> None:
    """Raises AuditionError for a delay that no step of the run would hear."""
    if clock.steps is not None and length >= clock.steps:
        raise AuditionError(
            f"{setting} of {length} steps is longer than the run of {clock.steps}, which would hear "
            "nothing of it: choose a shorter one"
        )
