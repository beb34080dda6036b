"""The step that our own optimizers share: the tensors of a group are moved together, in few calls."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from audition.parts.stepping.groups import axes
from audition.parts.stepping.moments import Moment, by_shape

each: Any = torch
"""Torch's `_foreach_` functions, for which it declares no types."""

State = dict[str, Any]


class Foreach(Optimizer):
    """An optimizer that says what it remembers of a parameter and how a list of them moves.

    A state holds tensors and plain numbers, `step` among them: the number of this parameter's
    steps. Numbers stay on the processor, so that a step waits for no card.
    """

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> State:
        """The state of `parameter`, which has its first gradient, before its first step."""
        raise NotImplementedError

    def move(
        self,
        group: dict[str, Any],
        params: list[Tensor],
        grads: list[Tensor],
        states: list[State],
    ) -> None:
        """One step of `params`, which have taken equally many (`states[0]["step"]`, this included)."""
        raise NotImplementedError

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; `closure` is evaluated before it."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for params in self.alike(group):
                states = [self.state[p] for p in params]
                for state in states:
                    state["step"] += 1
                self.move(group, params, [p.grad for p in params], states)  # type: ignore[misc]
        return loss

    def moments_of(self, parameter: Tensor) -> Sequence[Moment]:
        """What it remembers of entries of `parameter`, as their shapes tell."""
        return by_shape(self, parameter)

    def alike(self, group: dict[str, Any]) -> Iterator[list[Tensor]]:
        """The parameters that have a gradient, those together whose numbers are the same."""
        found: dict[tuple[Any, ...], list[Tensor]] = {}
        for p in group["params"]:
            if p.grad is None:
                continue
            if not self.state[p]:
                self.state[p].update(self.begin(p, group), step=0)
            numbers = (x for x in self.state[p].values() if not isinstance(x, Tensor))
            found.setdefault(tuple(numbers), []).append(p)
        yield from found.values()


def column(states: Sequence[State], name: str) -> list[Tensor]:
    """The tensor `name` of every state."""
    return [state[name] for state in states]


def decay(params: list[Tensor], group: dict[str, Any]) -> None:
    """Take the share lr · weight_decay of every weight away (Loshchilov & Hutter 2019)."""
    if group["weight_decay"]:
        each._foreach_mul_(params, 1 - group["lr"] * group["weight_decay"])


def mean_in(means: list[Tensor], values: list[Tensor], beta: float) -> None:
    """m ← β m + (1 - β) x."""
    each._foreach_lerp_(means, values, 1 - beta)


def square_in(squares: list[Tensor], values: list[Tensor], beta: float) -> None:
    """v ← β v + (1 - β) x²."""
    each._foreach_mul_(squares, beta)
    each._foreach_addcmul_(squares, values, values, 1 - beta)


def roots(squares: list[Tensor], bias: float, eps: float) -> list[Tensor]:
    """√(v / bias) + ε: what Adam divides by."""
    found: list[Tensor] = each._foreach_sqrt(squares)
    each._foreach_div_(found, bias**0.5)
    each._foreach_add_(found, eps)
    return found


def own_axes(parameter: Tensor) -> tuple[int, ...]:
    """The axes of a parameter that are not the runs of a pack, counted from the last."""
    return tuple(range(-axes(parameter), 0))
