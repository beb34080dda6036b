"""How a batch becomes gradients: the plain rule, and the wrapper that measures its two halves."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from audition.errors import AuditionError
from audition.recipe.problem import Gradient, GradientRule, Problem, always
from audition.recipe.signals import Tensors


def backward(problem: Problem) -> Gradient:
    """One forward and one backward pass over the batch, in `micro_batches` equal pieces.

    The model's own `.grad` fields are empty before and after: the gradients are handed over. A
    problem that may stay closed is closed between the two passes; in pieces, of which none can wait
    for the loss of the last, after a forward pass of its own.
    Raises AuditionError where the pieces do not divide the batch's rows.

    Examples:
        An effect that uses every second step's batch twice, and says what it costs:

        >>> from dataclasses import replace
        >>> from audition import Effect, backward
        >>> class Doubled(Effect):
        ...     def wrap_gradient(self, rule, state, view):
        ...         def twice(problem):
        ...             gradient = rule(problem)
        ...             return replace(gradient, cost=gradient.cost + rule(problem).cost)
        ...
        ...         return (rule if view.clock.step % 2 else twice), state
    """
    if problem.opens is not always and problem.micro_batches > 1:
        return _after(_look(problem), backward, problem)
    share = 1.0 / problem.micro_batches
    totals: dict[str, Tensor] = {}
    for piece in problem.batch.split(problem.micro_batches):
        with problem.context():
            terms = problem.terms(piece)
            total = sum_of(terms.values())
        if total.ndim:  # one of each run of a pack, none of which depends on another's weights
            total = total.sum()
        for name, term in terms.items():
            totals[name] = totals.get(name, 0.0) + term.detach() * share
        if not problem.opens(totals):
            return Gradient({}, totals, problem.forward, closed=True)
        (total if share == 1.0 else total * share).backward()  # type: ignore[no-untyped-call]
    grads = {}
    for name, parameter in problem.params.items():
        if parameter.grad is not None:
            grads[name], parameter.grad = parameter.grad, None
    return Gradient(grads, totals, problem.forward + problem.backward)


def in_halves(rule: GradientRule) -> GradientRule:
    """`rule` on each half of the batch: the same gradient in expectation, plus both halves of it.

    Costs what the whole batch costs, since each half is half as long. The sum is rounded in another
    order than the whole batch's, so it is not bit-identical to `rule`. Closed if either half is. A
    problem that may stay closed is first asked for the loss of the whole batch, by one more forward
    pass. Raises AuditionError for a model that needs its batches whole.

    Examples:
        >>> import torch
        >>> from audition import Batch, Problem, backward, in_halves
        >>> from audition.parts.loss.cross_entropy import CrossEntropy
        >>> model = torch.nn.Linear(4, 10)
        >>> rows = Batch(torch.eye(4), torch.arange(4), torch.arange(4), torch.zeros(4))
        >>> problem = Problem(model, dict(model.named_parameters()), CrossEntropy(), rows)
        >>> gradient = in_halves(backward)(problem)
        >>> len(gradient.halves), gradient.cost
        (2, Cost(forward=1.0, backward=1.0))
    """

    def measured(problem: Problem) -> Gradient:
        check_whole(problem.model, "a gradient rule that halves them")
        halves = [problem.on(half) for half in problem.batch.split(2)]
        if problem.opens is not always:
            return _after(rule(replace(problem, opens=_never)), measured, problem)
        first, second = map(rule, halves)
        closed = first.closed or second.closed
        return Gradient(
            grads={} if closed else mean_of(first.grads, second.grads),
            terms=mean_of(first.terms, second.terms),
            cost=(first.cost + second.cost) * 0.5,
            halves=() if closed else (first.grads, second.grads),
            closed=closed,
            curvature=mean_of(first.curvature, second.curvature),
        )

    return measured


def check_whole(model: nn.Module, what: str) -> None:
    """Raise AuditionError where `what` cuts batches of a model that needs them whole.

    A module says so, and why, by a class attribute `whole`.
    """
    if why := next((w for m in model.modules() if (w := getattr(m, "whole", ""))), ""):
        raise AuditionError(
            f"{what} cuts batches in pieces, and {why}: choose a model without that, e.g. "
            "model=convnet, or leave batches whole"
        )


def _after(seen: Gradient, rule: GradientRule, problem: Problem) -> Gradient:
    """`rule` where the problem opens at the terms that were `seen` at a price; else what was seen."""
    if not problem.opens(seen.terms):
        return seen
    found = rule(replace(problem, opens=always))
    return replace(found, cost=seen.cost + found.cost)


def _never(terms: Mapping[str, Tensor]) -> bool:
    return False


@torch.no_grad()
def _look(problem: Problem) -> Gradient:
    """The terms of the batch by forward passes alone, as a closed step."""
    totals: dict[str, Tensor] = {}
    for piece in problem.batch.split(problem.micro_batches):
        with problem.context():
            for name, term in problem.terms(piece).items():
                totals[name] = totals.get(name, 0.0) + term / problem.micro_batches
    return Gradient({}, totals, problem.forward, closed=True)


@contextmanager
def moved(params: Tensors, by: Tensors) -> Iterator[None]:
    """Parameters stand `by` away within the block, and to the bit where they were after it.

    For a rule that asks for a gradient elsewhere.

    Examples:
        >>> import torch
        >>> w = torch.nn.Parameter(torch.ones(2))
        >>> with moved({"w": w}, {"w": torch.tensor([1.0, 0.0])}):
        ...     w.tolist()
        [2.0, 1.0]
        >>> w.tolist()
        [1.0, 1.0]
    """
    with placed(params, {name: params[name].data + step for name, step in by.items()}):
        yield


@contextmanager
def placed(params: Tensors, at: Tensors) -> Iterator[None]:
    """Parameters have the values `at` within the block, and their own, to the bit, after it."""
    own = {name: params[name].data for name in at}
    try:
        for name, values in at.items():
            params[name].data = values
        yield
    finally:
        for name, values in own.items():
            params[name].data = values


def mean_of(first: Tensors, second: Tensors) -> Tensors:
    """The element-wise mean of two mappings that share their names."""
    return {name: (first[name] + second[name]) * 0.5 for name in first}


def sum_of(terms: Iterable[Tensor]) -> Tensor:
    """The sum of at least one scalar; `sum()` would start from an integer zero."""
    first, *rest = terms
    for term in rest:
        first = first + term
    return first
