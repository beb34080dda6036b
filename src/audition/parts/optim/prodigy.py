"""Prodigy (Mishchenko & Defazio 2023): Adam that finds its own rate from how far it has come."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt
from torch import Tensor
from torch.optim import Optimizer

from audition.parts.stepping.controls import configured
from audition.parts.stepping.foreach import Foreach, State, column, each
from audition.parts.stepping.groups import Betas, Decay, Named, decay_groups, settings_of
from audition.parts.stepping.moments import Moment


@dataclass(frozen=True, kw_only=True)
class Prodigy:
    """w ← w - lr · d (m / (√v + d ε) + λ w), where d grows towards the distance to the solution.

    "Prodigy: An Expeditiously Adaptive Parameter-Free Learner", algorithm 4. m and v are Adam's of
    d g. d is the largest of all r / ‖s‖₁ so far, where over all tensors, with β = √β₂,
    r ← β r + (1 - β) lr d² ⟨g, w₀ - w⟩ and s ← β s + (1 - β) lr d² g; as in the authors' code both
    sums are without the factor 1 - β, which cancels. One d serves all parameters. It is kept on the
    device, so that a step waits for nothing.
    """

    lr: Annotated[float, Ge(0)] = 6.25
    """Factor on the rate that is found; its schedule acts on this."""
    betas: Betas = (0.9, 0.99)
    """How slowly the mean of the gradients and the mean of their squares forget."""
    d0: Annotated[float, Gt(0)] = 1e-6
    """First estimate of the distance; smaller than any that is possible."""
    d_coef: Annotated[float, Gt(0)] = 1.0
    """Factor on the estimates of the distance."""
    safeguard_warmup: bool = False
    """Whether s leaves out the rate, so that a long warm-up does not make d too large."""
    eps: Annotated[float, Gt(0)] = 1e-8
    """Added, times d, to the root of the mean square before the division."""
    weight_decay: Annotated[float, Ge(0)] = 0.1
    """Share of a decaying weight that a step at rate lr · d = 1 takes away."""
    decay: Decay = "matrices"
    """What decays: all but vectors (norm gains and biases), or everything."""

    def __call__(self, named: Named) -> Optimizer:
        groups = decay_groups(named, self.weight_decay, self.decay)
        return configured(Distance(groups, settings_of(self, "d0"), self.d0))


class Distance(Foreach):
    """Prodigy's step. d and r are tensors of the first group: `state_dict` has them."""

    def __init__(self, groups: list[dict[str, Any]], settings: dict[str, Any], d0: float) -> None:
        super().__init__(groups, settings)
        device = groups[0]["params"][0].device
        self.param_groups[0] |= {
            "d0": d0,
            "d": torch.tensor(d0, device=device),
            "r": torch.tensor(0.0, device=device),
        }

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> State:
        names = ("exp_avg", "exp_avg_sq", "s")
        return {n: torch.zeros_like(parameter) for n in names} | {"first": parameter.clone()}

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; `closure` is evaluated before it."""
        first = self.param_groups[0]
        device = first["params"][0].device
        d, r = first["d"].to(device), first["r"].to(device)  # a checkpoint may be of another
        self.d, self.sums = d, [torch.zeros_like(r)]
        self.inner = [r * first["betas"][1] ** 0.5]
        loss = super().step(closure)
        r, size = torch.stack(self.inner).sum(), torch.stack(self.sums).sum()
        found = torch.where(size > 0, first["d_coef"] * r / size, d)
        first |= {"r": r, "d": torch.maximum(d, found)}
        self._advance(d, first["d"])
        return loss

    def move(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor], states: list[State]
    ) -> None:
        (beta1, beta2), d, d0 = group["betas"], self.d, self.param_groups[0]["d0"]
        means, squares, s = (column(states, name) for name in ("exp_avg", "exp_avg_sq", "s"))
        weight = d / d0 * d
        come = each._foreach_sub(column(states, "first"), params)
        each._foreach_mul_(come, grads)
        self.inner += [x.sum() * (weight * group["lr"]) for x in come]
        scaled = each._foreach_mul(grads, d)
        each._foreach_lerp_(means, scaled, 1 - beta1)
        each._foreach_mul_(squares, beta2)
        each._foreach_addcmul_(squares, scaled, scaled, 1 - beta2)
        each._foreach_mul_(s, beta2**0.5)
        rate = 1.0 if group["safeguard_warmup"] else group["lr"]
        each._foreach_add_(s, each._foreach_mul(grads, weight * rate))
        self.sums += each._foreach_norm(s, 1)

    def _advance(self, d: Tensor, grown: Tensor) -> None:
        """Move every parameter that has a gradient, by the d that its moments were taken with."""
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if not params:
                continue
            states, rate = [self.state[p] for p in params], d * group["lr"]
            below = each._foreach_sqrt(column(states, "exp_avg_sq"))
            # Without `alpha` torch takes the tensor for a number, and waits for the card to tell it.
            each._foreach_add_(below, grown * group["eps"], alpha=1)
            steps = each._foreach_div(column(states, "exp_avg"), below)
            each._foreach_mul_(steps, rate)
            if group["weight_decay"]:
                each._foreach_mul_(params, 1 - rate * group["weight_decay"])
            each._foreach_sub_(params, steps)

    def moments_of(self, parameter: Tensor) -> Sequence[Moment]:
        """The means and s, and the first weights: those of a new unit are its own."""
        return [replace(m, follows=m.name == "first") for m in super().moments_of(parameter)]
