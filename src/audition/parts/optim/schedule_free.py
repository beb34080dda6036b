"""Schedule-Free AdamW (Defazio et al. 2024): an average of the weights in place of a falling rate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor
from torch.optim import Optimizer

from audition.parts.stepping.controls import configured
from audition.parts.stepping.foreach import Foreach, State, column, each, roots, square_in
from audition.parts.stepping.groups import Decay, Named, decay_groups, settings_of
from audition.parts.stepping.moments import Moment


@dataclass(frozen=True, kw_only=True)
class ScheduleFreeAdamW:
    """z ← z - lr (g(y) / (√v̂ + ε) + λ y), x ← (1 - c) x + c z, y = (1 - β₁) z + β₁ x.

    "The Road Less Scheduled", algorithm 1. Gradients are taken at y, which the model holds while it
    trains, and evaluators see the average x. c is lr² over the sum of lr² of all steps so far. To be
    used with `schedule=constant`, whose warm-up it needs: under a rate that falls the average is
    mostly of early steps.
    """

    sharded: ClassVar[bool] = True

    packs: ClassVar[bool] = True

    lr: Annotated[float, Ge(0)] = 2e-3
    """Learning rate at gain 1."""
    betas: tuple[Annotated[float, Interval(gt=0, lt=1)], Annotated[float, Interval(ge=0, lt=1)]] = (
        0.9,
        0.99,
    )
    """Share of the average in the weights trained on, and how slowly the mean of squares forgets."""
    eps: Annotated[float, Gt(0)] = 1e-8
    """Added to the root of the mean square before the division."""
    weight_decay: Annotated[float, Ge(0)] = 0.1
    """Share of a decaying weight that a step at rate 1 takes away."""
    decay: Decay = "matrices"
    """What decays: all but vectors (norm gains and biases), or everything."""

    def __call__(self, named: Named) -> Optimizer:
        groups = decay_groups(named, self.weight_decay, self.decay)
        return configured(Averaging(groups, settings_of(self)))


class Averaging(Foreach):
    """Schedule-Free AdamW's step. Parameters hold y; `eval()` makes them x, `train()` y again."""

    evaluating = False

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> State:
        return {
            "z": parameter.clone(),
            "exp_avg_sq": torch.zeros_like(parameter),
            "weights": 0.0,
        }

    def move(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], states: list[State]
    ) -> None:
        (beta1, beta2), lr, step = group["betas"], group["lr"], states[0]["step"]
        for state in states:
            state["weights"] += lr**2
        share = lr**2 / (states[0]["weights"] or 1.0)
        squares, z = column(states, "exp_avg_sq"), column(states, "z")
        square_in(squares, grads, beta2)
        steps = each._foreach_div(grads, roots(squares, 1 - beta2**step, group["eps"]))
        if group["weight_decay"]:
            each._foreach_add_(steps, params, alpha=group["weight_decay"])
        # y of the new x and z, written without x, which is never stored.
        each._foreach_lerp_(params, z, share)
        each._foreach_add_(params, steps, alpha=lr * (beta1 * (1 - share) - 1))
        each._foreach_sub_(z, steps, alpha=lr)

    def moments_of(self, parameter: Tensor) -> Sequence[Moment]:
        """The mean square, and z, which is a second copy of the weights."""
        return [replace(m, follows=m.name == "z") for m in super().moments_of(parameter)]

    def eval(self) -> None:
        """Write the average x into the parameters."""
        self._weigh(evaluating=True)

    def train(self) -> None:
        """Write y, which is trained on, into the parameters again."""
        self._weigh(evaluating=False)

    @torch.no_grad()
    def _weigh(self, evaluating: bool) -> None:
        if self.evaluating == evaluating:
            return
        self.evaluating = evaluating
        for group in self.param_groups:
            beta = group["betas"][0]
            held = [p for p in group["params"] if "z" in self.state.get(p, {})]
            if held:
                z = [self.state[p]["z"] for p in held]
                each._foreach_lerp_(held, z, 1 - 1 / beta if evaluating else 1 - beta)
