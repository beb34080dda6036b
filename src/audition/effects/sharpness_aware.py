"""Sharpness-aware minimisation (SAM): the gradient is taken where the loss is highest nearby."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from audition.recipe import tree
from audition.recipe.effect import Effect
from audition.recipe.gradient import moved
from audition.recipe.problem import Gradient, GradientRule, Problem, always
from audition.recipe.signals import View


@dataclass(frozen=True, kw_only=True)
class SharpnessAware(Effect):
    """The gradient at w + rho g / ‖g‖, with g the gradient at w, over any optimizer.

    Foret et al. 2021, "Sharpness-Aware Minimization for Efficiently Improving Generalization",
    algorithm 1, with the norm over all tensors. Costs a second forward and backward pass on the same
    batch, which draws other dropout masks. The loss that is reported is that at w. A rho of 0 is the
    exact identity, and asks once.

    Memory: one more copy of weights and gradients within a step.
    """

    neutral: ClassVar[Mapping[str, object]] = {"rho": 0.0}

    rho: Annotated[float, Ge(0)] = 0.05
    """Distance to where the gradient is taken."""

    def moments(self) -> frozenset[str]:
        return super().moments() if self.rho else frozenset()

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        def uphill(problem: Problem) -> Gradient:
            here = rule(problem)
            if here.closed:
                return here
            norms = tree.norms(here.grads)  # [K]
            gain = self.rho / norms.norm().clamp(min=1e-12)
            with moved(problem.params, tree.scale(here.grads, gain.expand(len(norms)))):
                there = rule(replace(problem, opens=always))
            return replace(there, terms=here.terms, cost=here.cost + there.cost)

        return uphill, state
