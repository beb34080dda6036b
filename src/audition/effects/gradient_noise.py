"""Gradient noise: normal noise on every gradient entry, that grows smaller with the steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge

from audition.recipe import tree
from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.noise import normal
from audition.recipe.problem import Gradient
from audition.recipe.signals import View


@dataclass(frozen=True, kw_only=True)
class GradientNoise(Effect):
    """g + N(0, variance / (1 + t)^decay), at step t, from a stream of its own.

    Neelakantan et al. 2015, "Adding Gradient Noise Improves Learning for Very Deep Networks",
    equation 1, is `level=absolute`. `relative` multiplies the deviation by the tensor's root mean
    square: gradients of a mean loss have entries of 1e-3, which the paper's noise of .1 would drown.
    A variance of 0 is the exact identity.

    Meters: `deviation` of the step's noise, in entries of the gradient's root mean square where
    relative.
    """

    replays: ClassVar[Replays] = "values"
    neutral: ClassVar[Mapping[str, object]] = {"variance": 0.0}

    variance: Annotated[float, Ge(0)] = 0.01
    """Of the noise at the first step."""
    decay: Annotated[float, Ge(0)] = 0.55
    """How fast the variance falls with the steps; 0: it stays."""
    level: Literal["absolute", "relative"] = "relative"
    """Whether the noise follows the size of each tensor's gradient."""

    def moments(self) -> frozenset[str]:
        return super().moments() if self.variance else frozenset()

    def deviation_at(self, step: int) -> float:
        """The standard deviation of a step's noise."""
        return sqrt(self.variance / (1.0 + step) ** self.decay)

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if gradient.closed:
            return gradient, state
        deviation = self.deviation_at(view.clock.step)
        noise = normal(gradient.grads, view.streams, "noise", view.clock.step)
        if self.level == "relative":
            noise = tree.scale_(noise, tree.root_mean_squares(gradient.grads))
        after = tree.add(gradient.grads, noise, deviation)
        return gradient.with_grads(after), {"deviation": deviation}

    def meters(self, state: Any) -> Meters:
        return {} if state is None else {"deviation": state["deviation"]}
