"""SOAP (Vyas et al. 2024): Adam in the eigenbasis of Shampoo's factors, which turns slowly."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor
from torch.optim import Optimizer

from audition.parts.optim.adamw import beside_adamw
from audition.parts.stepping.factors import (
    SIDES,
    declared,
    eigenvectors,
    empty_factors,
    take_in,
    turned,
)
from audition.parts.stepping.foreach import Foreach, State, column, decay, each, mean_in, square_in
from audition.parts.stepping.groups import Betas, Decay, Named
from audition.parts.stepping.moments import Moment


@dataclass(frozen=True, kw_only=True)
class SOAP:
    """W ← W - lr (Q_L (Q_Lᵀ M̂ Q_R / (√V̂ + ε)) Q_Rᵀ + λ W) on hidden matrices, AdamW on the rest.

    "SOAP: Improving and Stabilizing Shampoo using Adam", algorithm 3. M is the mean of gradients G, V
    that of the squares of Q_Lᵀ G Q_R. Q_L and Q_R are eigenvectors of the means L of G Gᵀ and R of
    Gᵀ G; every `every` steps they take one step of power iteration, and are made orthonormal. As in
    the authors' code, a matrix's first step only begins its bases, and V is sorted with them.

    AdamW on the rest has the same rate, betas, eps and decay. A matrix whose shape is changed while
    it trains begins anew.
    """

    lr: Annotated[float, Ge(0)] = 7.5e-3
    """Learning rate at gain 1."""
    betas: Betas = (0.95, 0.95)
    """How slowly the mean of the gradients and the mean of their squares forget."""
    factor_beta: Annotated[float, Interval(ge=0, lt=1)] = 0.95
    """How slowly the factors L and R forget."""
    every: Annotated[int, Ge(1)] = 10
    """Steps between refreshes of the bases, each a QR decomposition of either side."""
    max_size: Annotated[int, Ge(1)] = 2048
    """Longest side that is turned; a longer one keeps its own axes."""
    eps: Annotated[float, Gt(0)] = 1e-8
    """Added to the root of the mean square before the division."""
    weight_decay: Annotated[float, Ge(0)] = 0.1
    """Share of a decaying weight that a step at rate 1 takes away."""
    decay: Decay = "matrices"
    """What decays: all but vectors (norm gains and biases), or everything."""

    def __call__(self, named: Named) -> Optimizer:
        return beside_adamw(named, Turned, self)


class Turned(Foreach):
    """SOAP's step of matrices [R, C]."""

    def alike(self, group: dict[str, Any]) -> Iterator[list[Tensor]]:
        for p in group["params"]:
            state = self.state.get(p, {})
            if state and state["exp_avg_sq"].shape != p.shape:
                state.clear()  # its bases are of another size
        return super().alike(group)

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> State:
        means = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
        return means | empty_factors(parameter, group["max_size"])

    def move(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], states: list[State]
    ) -> None:
        step = states[0]["step"] - 1  # the first only begins the bases
        if step:
            self._move(group, params, grads, states, step)
        for grad, state in zip(grads, states, strict=True):
            take_in(state, grad, group["factor_beta"])
            if not step:
                bases = {f"{s}_basis": eigenvectors(state[s]) for s in SIDES if s in state}
                state.update(bases)
            elif step % group["every"] == 0:
                refresh(state)

    def _move(
        self,
        group: dict[str, Any],
        params: list[Tensor],
        grads: list[Tensor],
        states: list[State],
        step: int,
    ) -> None:
        (beta1, beta2), means = group["betas"], column(states, "exp_avg")
        squares = column(states, "exp_avg_sq")
        mean_in(means, grads, beta1)
        square_in(squares, [into(g, s) for g, s in zip(grads, states, strict=True)], beta2)
        below = each._foreach_sqrt(squares)
        each._foreach_add_(below, group["eps"])
        turned_means = [into(m, s) for m, s in zip(means, states, strict=True)]
        steps = each._foreach_div(turned_means, below)
        steps = [out_of(u, s) for u, s in zip(steps, states, strict=True)]
        decay(params, group)
        debiased = (1 - beta2**step) ** 0.5 / (1 - beta1**step)
        each._foreach_add_(params, steps, alpha=-group["lr"] * debiased)

    def moments_of(self, parameter: Tensor) -> Sequence[Moment]:
        """The mean, L and R; the bases, and the mean square in them, belong to no entries."""
        return declared(self.state.get(parameter, {}), "exp_avg")


def into(x: Tensor, state: State) -> Tensor:
    """Q_Lᵀ x Q_R; a side without a basis keeps its own axes."""
    left = state.get("left_basis")
    return turned(x, None if left is None else left.mT, state.get("right_basis"))


def out_of(x: Tensor, state: State) -> Tensor:
    """Q_L x Q_Rᵀ: what `into` was made of."""
    right = state.get("right_basis")
    return turned(x, state.get("left_basis"), None if right is None else right.mT)


def refresh(state: State) -> None:
    """One step of power iteration of each basis, sorted by eigenvalues; V follows the order."""
    for side, axis in SIDES.items():
        if side not in state:
            continue
        basis = state[f"{side}_basis"]
        product = state[side] @ basis
        order = (basis * product).sum(0).argsort(descending=True)
        state["exp_avg_sq"] = state["exp_avg_sq"].index_select(axis, order)
        state[f"{side}_basis"] = torch.linalg.qr(product.index_select(1, order)).Q
