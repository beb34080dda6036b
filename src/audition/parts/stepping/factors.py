"""What SOAP and Shampoo share: a matrix's gradients seen from its rows and from its columns.

Shape suffixes: R rows and C columns of a weight; a side's factor is [R, R] or [C, C].
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from audition.parts.stepping.foreach import State
from audition.parts.stepping.moments import Moment

SIDES = {"left": 0, "right": 1}
"""Name of a side's factor in a state -> the axis of the weight that both of its axes run along."""


def empty_factors(parameter: Tensor, max_size: int) -> State:
    """Zeros for each side of at most `max_size`."""
    return {
        side: parameter.new_zeros(parameter.shape[axis], parameter.shape[axis])
        for side, axis in SIDES.items()
        if parameter.shape[axis] <= max_size
    }


def take_in(state: State, grad: Tensor, beta: float) -> None:
    """L ← β L + (1 - β) G Gᵀ, R ← β R + (1 - β) Gᵀ G; at β = 1 plain sums."""
    for side, lines in (("left", grad), ("right", grad.mT)):
        if side in state:
            fresh = 1 - beta if beta < 1 else 1.0
            state[side].addmm_(lines, lines.mT, beta=beta, alpha=fresh)


def eigenvectors(factor: Tensor) -> Tensor:
    """[n, n] orthonormal columns, that of the largest eigenvalue first."""
    vectors: Tensor = torch.linalg.eigh(factor).eigenvectors
    return vectors.flip(-1)


def turned(x: Tensor, left: Tensor | None, right: Tensor | None) -> Tensor:
    """left · x · right; a side that is None is left as it is."""
    x = x if left is None else left @ x
    return x if right is None else x @ right


def declared(state: State, *entries: str) -> Sequence[Moment]:
    """The moments of a matrix: `entries`, which have its shape, and its factors, of whole rows.

    What is held in other bases is declared to run along no axis, so that it is left as it is.
    """
    along: dict[str, tuple[int | None, ...]] = {name: (0, 1) for name in entries}
    along |= {side: (axis, axis) for side, axis in SIDES.items()}
    tensors = {name: x for name, x in state.items() if isinstance(x, Tensor)}
    return [Moment(name, x, along.get(name, (None, None))) for name, x in tensors.items()]


def root(factor: Tensor, power: float, ridge: float) -> Tensor:
    """factor^(-power), with `ridge` times the largest eigenvalue added to every eigenvalue.

    Example:
        >>> import torch
        >>> root(torch.diag(torch.tensor([16.0, 1.0])), 0.25, 0.0)
        tensor([[0.5000, 0.0000],
                [0.0000, 1.0000]])
    """
    values, vectors = torch.linalg.eigh(factor)
    # Rounding makes eigenvalues of singular factors slightly negative.
    raised = values.clamp(min=0.0) + ridge * values[-1]
    powers = raised.clamp(min=torch.finfo(raised.dtype).tiny).pow(-power)
    found: Tensor = (vectors * powers) @ vectors.mT
    return found
