"""Terms of the loss that a module adds by itself, such as the balance of a mixture of experts."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

_open: list[dict[str, Tensor]] = []
"""Where terms go: to the loss that is being computed, the innermost one last."""


def add_term(name: str, value: Tensor) -> None:
    """Add the scalar `value` to the loss that is being computed, as its term `name`.

    Called in a module's `forward`, on every pass: what several modules, or several passes, add under
    one name is summed. It has an effect where a batch is trained on (`recipe.problem.ask`), whatever
    the loss is; evaluation and probes compute no loss, so that nothing is added there.

    Examples:
        A map that is pulled towards small outputs:

        >>> import torch
        >>> class Calm(torch.nn.Linear):
        ...     def forward(self, x):
        ...         y = super().forward(x)
        ...         add_term("calm", 0.01 * y.square().mean())
        ...         return y
        >>> with added_terms() as terms:
        ...     y = Calm(4, 4)(torch.ones(2, 4))
        >>> list(terms)
        ['calm']
    """
    if _open:
        terms = _open[-1]
        terms[name] = terms[name] + value if name in terms else value


@contextmanager
def added_terms() -> Iterator[dict[str, Tensor]]:
    """The terms that are added within, by name."""
    terms: dict[str, Tensor] = {}
    _open.append(terms)
    try:
        yield terms
    finally:
        _open.pop()
