"""What an optimizer remembers of a parameter, and along which of the parameter's axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor
from torch.optim import Optimizer


@dataclass(frozen=True)
class Moment:
    """A tensor of an optimizer's state whose entries belong to entries of a parameter.

    Args:
        name: of the tensor, as in the optimizer's state.
        tensor: itself, not a copy.
        axes: for each of its axes the parameter's axis that it runs along, None for neither. The
            mean of squares of Adam's has (0, 1), Adafactor's of rows (0, None) or (0,), and
            Shampoo's left factor, a row and a column for every row of the weight, (0, 0).
        follows: whether it is a second copy of the weights, as Schedule-Free's z: it takes the
            weights' new values, whatever becomes of moments.
    """

    name: str
    tensor: Tensor
    axes: tuple[int | None, ...]
    follows: bool = False


@runtime_checkable
class DeclaresMoments(Protocol):
    """An optimizer that declares which tensors of its state are moments."""

    def moments_of(self, parameter: Tensor) -> Sequence[Moment]:
        """All that it remembers of entries of `parameter`; empty before the first step."""
        ...


def moments_of(optimizer: Optimizer, parameter: Tensor) -> Sequence[Moment]:
    """What `optimizer` remembers of `parameter`: as it declares, else by shape.

    By shape, a moment has as many axes as the parameter, each as long as the parameter's or 1.
    What has no axis in common, as a count of steps, is none.
    """
    if isinstance(optimizer, DeclaresMoments):
        return optimizer.moments_of(parameter)
    return by_shape(optimizer, parameter)


def by_shape(optimizer: Optimizer, parameter: Tensor) -> list[Moment]:
    """The moments of `parameter` that shapes alone tell; an optimizer adds its others to them."""
    found = []
    # `.state` makes an entry when it is asked for a parameter that it does not have.
    for name, value in optimizer.state.get(parameter, {}).items():
        if isinstance(value, Tensor) and value.ndim == parameter.ndim:
            axes = _aligned(value, parameter)
            if any(axis is not None for axis in axes):
                found.append(Moment(name, value, axes))
    return found


def _aligned(value: Tensor, parameter: Tensor) -> tuple[int | None, ...]:
    """The axes of `value`, each with the parameter's of the same length; none where one differs."""
    pairs = list(zip(value.shape, parameter.shape, strict=True))
    if any(own not in (1, theirs) for own, theirs in pairs):
        return ()
    return tuple(i if own == theirs else None for i, (own, theirs) in enumerate(pairs))
