"""Stock torch modules whose parameters declare how they start."""

import torch
from torch import nn

from audition.parts.initial import Constant, Normal, Role, parameter

STD = 0.02
"""Of every weight at the start, as in GPT-2."""


class Linear(nn.Linear):
    """`y = x Wᵀ (+ b)` with W drawn from N(0, 0.02²) and b zero.

    Args:
        residual: the output is added to the residual stream, so a model may start it smaller.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        bias: bool = False,
        residual: bool = False,
        role: Role = "matrix",
    ) -> None:
        # On "meta" the stock constructor draws nothing from the global generator.
        super().__init__(inputs, outputs, bias=bias, device="meta")
        self.weight = parameter(outputs, inputs, init=Normal(STD, residual), role=role)
        if bias:
            self.bias = parameter(outputs, init=Constant(0.0), role="vector")


class Embedding(nn.Embedding):
    """One vector of `width` for each of `rows`, drawn from N(0, 0.02²)."""

    def __init__(self, rows: int, width: int) -> None:
        # With a weight given, the stock constructor draws nothing from the global generator.
        super().__init__(rows, width, _weight=torch.empty(rows, width, device="meta"))
        self.weight = parameter(rows, width, init=Normal(STD), role="embedding")
