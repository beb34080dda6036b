"""Sophia (Liu et al. 2023): steps by the mean gradient over a sparse estimate of its own slope."""

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt
from torch import Tensor
from torch.optim import Optimizer

from audition.parts.stepping.controls import configured
from audition.parts.stepping.curvature import Curvature, Estimator
from audition.parts.stepping.foreach import Foreach, State, column, decay, each, mean_in
from audition.parts.stepping.groups import Betas, Decay, Named, decay_groups, settings_of
from audition.recipe.effect import Effect
from audition.recipe.signals import Tensors


@dataclass(frozen=True, kw_only=True)
class Sophia:
    """w ← w - lr (clip(m / max(γ h, ε), ±1) + λ w), h the mean of estimates of the Hessian's diagonal.

    "Sophia: A Scalable Stochastic Second-order Optimizer for Language Model Pre-training", algorithm 3.
    Every `every` steps, from the first on, the diagonal is estimated on the step's batch: Sophia-G's
    Gauss-Newton-Bartlett estimate (a forward pass, and a forward and backward pass) or Sophia-H's
    Hutchinson estimate (two of both). The passes are counted. Where h is not positive an entry moves by
    lr, as everywhere at first: h begins at nought, and is not debiased.
    """

    lr: Annotated[float, Ge(0)] = 1e-3
    """Learning rate at gain 1: the furthest that an entry moves."""
    betas: Betas = (0.96, 0.99)
    """How slowly the mean of the gradients and the mean of the estimates forget."""
    gamma: Annotated[float, Gt(0)] = 0.05
    """Factor on the curvature: the larger, the fewer entries are clipped."""
    every: Annotated[int, Ge(1)] = 10
    """Steps between estimates."""
    estimator: Estimator = "gauss_newton"
    """Whose diagonal is estimated, and how."""
    eps: Annotated[float, Gt(0)] = 1e-12
    """Least that is divided by."""
    weight_decay: Annotated[float, Ge(0)] = 0.2
    """Share of a decaying weight that a step at rate 1 takes away."""
    decay: Decay = "matrices"
    """What decays: all but vectors (norm gains and biases), or everything."""

    def __call__(self, named: Named) -> Optimizer:
        groups = decay_groups(named, self.weight_decay, self.decay)
        return configured(ClippedNewton(groups, settings_of(self, "every", "estimator")))

    def measurement(self) -> Effect:
        """What estimates the diagonal, as the first link of the run's chain."""
        return Curvature(every=self.every, estimator=self.estimator)


class ClippedNewton(Foreach):
    """Sophia's step; until `take_curvature` is called h is nought, and it is that of signs."""

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> State:
        return {name: torch.zeros_like(parameter) for name in ("exp_avg", "hessian")}

    @torch.no_grad()
    def take_curvature(self, estimates: Tensors) -> None:
        """h ← β₂ h + (1 - β₂) ĥ, for the parameters that have an estimate and a gradient."""
        for group in self.param_groups:
            names = dict(zip(group["params"], group["names"], strict=True))
            for params in self.alike(group):
                measured = [p for p in params if names[p] in estimates]
                if measured:
                    averages = [self.state[p]["hessian"] for p in measured]
                    mean_in(averages, [estimates[names[p]] for p in measured], group["betas"][1])

    def move(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], states: list[State]
    ) -> None:
        means = column(states, "exp_avg")
        mean_in(means, grads, group["betas"][0])
        below = each._foreach_mul(column(states, "hessian"), group["gamma"])
        each._foreach_clamp_min_(below, group["eps"])
        steps = each._foreach_div(means, below)
        each._foreach_clamp_min_(steps, -1.0)
        each._foreach_clamp_max_(steps, 1.0)
        decay(params, group)
        each._foreach_add_(params, steps, alpha=-group["lr"])
