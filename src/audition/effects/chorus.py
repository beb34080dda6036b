"""Chorus: the gradient is the mean of several, each at weights that are moved a little at random."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from annotated_types import Ge
from torch import Tensor

from audition.recipe import tree
from audition.recipe.effect import Effect, Meters
from audition.recipe.gradient import moved
from audition.recipe.noise import normal
from audition.recipe.problem import Gradient, GradientRule, Problem, always
from audition.recipe.signals import Tensors, View


@dataclass(frozen=True, kw_only=True)
class Chorus(Effect):
    """1/N Σ_n ∇L(w + ε_n) on this step's batch, ε_n ~ N(0, (jitter x rms(w))²), tensor by tensor.

    It descends the loss smoothed by that noise: Duchi, Bartlett & Wainwright 2012, "Randomized
    Smoothing for Stochastic Optimization". Every voice is a forward and a backward pass, counted as
    such, and draws dropout masks of its own; the weights come back to the bit. The loss that is
    reported is the voices' mean. One voice without jitter is the exact identity.

    Memory: a copy of the weights and of the gradients within a step.

    Meters: `agreement`, ‖mean of the gradients‖² over the mean of their ‖·‖²: 1 where all voices have
    one gradient, 1 / N where they have nothing in common.
    """

    neutral: ClassVar[Mapping[str, object]] = {"voices": 1, "jitter": 0.0}

    voices: Annotated[int, Ge(1)] = 2
    """N, how many gradients."""
    jitter: Annotated[float, Ge(0)] = 0.01
    """Deviation of a weight's move, as a share of its tensor's root mean square."""

    def moments(self) -> frozenset[str]:
        return super().moments() if self.voices > 1 or self.jitter else frozenset()

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        told: list[Tensor] = []

        def together(problem: Problem) -> Gradient:
            total, squares = None, []
            for voice in range(self.voices):
                with moved(problem.params, self._moves(problem.params, view, voice)):
                    heard = rule(problem)
                if heard.closed:
                    return heard
                squares.append(tree.norms(heard.grads).square().sum())
                total = heard if total is None else _sum(total, heard)
                problem = replace(problem, opens=always)  # a gate has said yes to the first
            assert total is not None
            mean = _scaled(total, 1.0 / self.voices)
            told[:] = [tree.norms(mean.grads).square().sum() * self.voices / sum(squares)]
            return mean

        return together, {"told": told}

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        return gradient, {"agreement": state["told"][0]} if state["told"] else None

    def meters(self, state: Any) -> Meters:
        return {"agreement": state["agreement"]} if state and "agreement" in state else {}

    def _moves(self, params: Tensors, view: View, voice: int) -> Tensors:
        if not self.jitter:
            return {}
        still = {name: p.detach() for name, p in params.items()}
        noise = normal(still, view.streams, "jitter", view.clock.step, voice)
        return tree.scale_(noise, self.jitter * tree.root_mean_squares(still))


def _sum(first: Gradient, second: Gradient) -> Gradient:
    halves = zip(first.halves, second.halves, strict=True)
    return replace(
        first,
        grads=tree.add(first.grads, second.grads),
        terms={name: term + second.terms[name] for name, term in first.terms.items()},
        cost=first.cost + second.cost,
        halves=tuple(tree.add(one, other) for one, other in halves),
        curvature=tree.add(first.curvature, second.curvature),
    )


def _scaled(gradient: Gradient, share: float) -> Gradient:
    """Its cost is left as it is."""
    if share == 1.0:
        return gradient
    return replace(
        gradient,
        grads=tree.scale(gradient.grads, share),
        terms={name: term * share for name, term in gradient.terms.items()},
        halves=tuple(tree.scale(half, share) for half in gradient.halves),
        curvature=tree.scale(gradient.curvature, share),
    )
