"""Lets what a forward pass measures arrive where gradients do.

A forward pass must not edit what it is given, and may be a piece of a batch, or one process's share.
A gradient is added up over pieces, averaged over processes and kept apart for the runs of a pack: so
a measurement travels as the gradient of a parameter of its own shape, from which an effect takes it
in `on_gradients`, leaving zeros for the optimizer.
"""

from typing import Any

import torch
from torch import Tensor


def carried(x: Tensor, slot: Tensor, value: Tensor) -> Tensor:
    """`x` itself; in the backward pass, `value` arrives as the gradient of `slot`, of its shape.

    It comes as it is, whatever the loss: over the pieces of a batch the values are summed.

    Examples:
        >>> x, slot = torch.ones(2, requires_grad=True), torch.zeros(1, requires_grad=True)
        >>> carried(x, slot, torch.tensor([7.0])).sum().backward()
        >>> x.grad, slot.grad
        (tensor([1., 1.]), tensor([7.]))
    """
    found: Tensor = _Carried.apply(x, slot, value)  # type: ignore[no-untyped-call]
    return found


class _Carried(torch.autograd.Function):
    generate_vmap_rule = True  # for packs of runs

    @staticmethod
    def forward(x: Tensor, slot: Tensor, value: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(inputs[2])

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor, None]:
        (value,) = ctx.saved_tensors
        return g, value, None
