"""Shampoo (Gupta, Koren & Singer 2018): gradients over roots of their sums by rows and columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor
from torch.optim import Optimizer

from audition.parts.optim.adamw import beside_adamw
from audition.parts.stepping.factors import (
    SIDES,
    declared,
    empty_factors,
    root,
    take_in,
    turned,
)
from audition.parts.stepping.foreach import (
    Foreach,
    State,
    column,
    decay,
    each,
    mean_in,
    roots,
    square_in,
)
from audition.parts.stepping.groups import Betas, Decay, Named
from audition.parts.stepping.moments import Moment


@dataclass(frozen=True, kw_only=True)
class Shampoo:
    """W ← W - lr (L^(-1/4) M R^(-1/4) + λ W) on hidden matrices, AdamW on the rest.

    "Shampoo: Preconditioned Stochastic Tensor Optimization", algorithm 1, in the form that trains
    today (Anil et al. 2020, Shi et al. 2023): L and R are means of G Gᵀ and Gᵀ G (at `factor_beta=1`
    the paper's sums), M is the mean of G, roots are taken every `every` steps, with a ridge relative
    to the largest eigenvalue, and a step gets the length of Adam's on the same matrix
    (`graft=none`: its own, as in the paper). Where one side alone is short enough, its power is -1/2.

    AdamW on the rest has the same rate, betas, eps and decay.
    """

    lr: Annotated[float, Ge(0)] = 7.5e-3
    """Learning rate at gain 1."""
    betas: Betas = (0.9, 0.99)
    """How slowly the mean of the gradients and the mean of their squares forget."""
    factor_beta: Annotated[float, Interval(ge=0, le=1)] = 0.99
    """How slowly the factors L and R forget; at 1 they are sums."""
    graft: Literal["adam", "none"] = "adam"
    """Whose length a step of a matrix has: Adam's, or its own."""
    every: Annotated[int, Ge(1)] = 10
    """Steps between roots, each an eigendecomposition of either side."""
    ridge: Annotated[float, Gt(0)] = 1e-6
    """Added to the eigenvalues of L and R, as a share of the largest."""
    max_size: Annotated[int, Ge(1)] = 2048
    """Longest side that has a factor."""
    eps: Annotated[float, Gt(0)] = 1e-8
    """Added to the root of Adam's mean square before the division."""
    weight_decay: Annotated[float, Ge(0)] = 0.1
    """Share of a decaying weight that a step at rate 1 takes away."""
    decay: Decay = "matrices"
    """What decays: all but vectors (norm gains and biases), or everything."""

    def __call__(self, named: Named) -> Optimizer:
        return beside_adamw(named, Divided, self)


class Divided(Foreach):
    """Shampoo's step of matrices [R, C]."""

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> State:
        names = ("exp_avg", "exp_avg_sq") if group["graft"] == "adam" else ("exp_avg",)
        means = {name: torch.zeros_like(parameter) for name in names}
        return means | empty_factors(parameter, group["max_size"])

    def move(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], states: list[State]
    ) -> None:
        (beta1, beta2), step = group["betas"], states[0]["step"]
        for grad, state in zip(grads, states, strict=True):
            take_in(state, grad, group["factor_beta"])
            if step % group["every"] == 1 % group["every"] or outgrown(state):
                take_roots(state, group, step)
        means = column(states, "exp_avg")
        mean_in(means, grads, beta1)
        debiased = each._foreach_div(means, 1 - beta1**step)
        steps = [
            turned(m, s.get("left_root"), s.get("right_root"))
            for m, s in zip(debiased, states, strict=True)
        ]
        if group["graft"] == "adam":
            squares = column(states, "exp_avg_sq")
            square_in(squares, grads, beta2)
            adams = each._foreach_div(debiased, roots(squares, 1 - beta2**step, group["eps"]))
            lengths = each._foreach_norm(steps)
            each._foreach_clamp_min_(lengths, torch.finfo(lengths[0].dtype).tiny)
            each._foreach_mul_(steps, each._foreach_div(each._foreach_norm(adams), lengths))
        decay(params, group)
        each._foreach_add_(params, steps, alpha=-group["lr"])

    def moments_of(self, parameter: Tensor) -> Sequence[Moment]:
        """The means, L and R; their roots follow when they are next taken."""
        return declared(self.state.get(parameter, {}), "exp_avg", "exp_avg_sq")


def take_roots(state: State, group: dict[str, Any], step: int) -> None:
    """Bring the roots of the factors that a state has up to date."""
    sides = [side for side in SIDES if side in state]
    bias = 1 - group["factor_beta"] ** step if group["factor_beta"] < 1 else 1.0
    for side in sides:
        state[f"{side}_root"] = root(state[side] / bias, 0.5 / len(sides), group["ridge"])


def outgrown(state: State) -> bool:
    """Whether a factor was given another size since its root was taken."""
    return any(state[s].shape != state[f"{s}_root"].shape for s in SIDES if s in state)
