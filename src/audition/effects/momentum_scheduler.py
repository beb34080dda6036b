"""Momentum scheduler: the optimizer's momentum falls to zero (Demon), or dips once (one-cycle)."""

import math
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Interval

from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.signals import Controls, View


@dataclass(frozen=True, kw_only=True)
class MomentumScheduler(Effect):
    """Gains on momentum, or on an Adam's first beta, over the share f of the budget that is spent.

    * `demon` (Chen et al. 2019, "Demon: Improved Neural Network Training with Momentum Decay"):
      beta(f) = beta_0 (1 - f) / ((1 - beta_0) + beta_0 (1 - f)), from beta_0 to 0, so that what a
      gradient still contributes, beta / (1 - beta), falls on a straight line.
    * `one_cycle` (Smith 2018, "A disciplined approach to neural network hyper-parameters", where the
      rate rises as the momentum falls): along a cosine from beta_0 to `lowest` beta_0 at `turn`, and
      back.

    beta_0 is what the optimizer is configured with, whatever `initial` says: that only draws the curve
    of `demon`. Torch's Adam divides its first moment by 1 - beta^t with the beta of the step, which
    is exact for a constant one alone; the product of all betas, which would be exact here, differs
    from it by less than beta_0^t.

    Meters: `gain`, what the configured momentum was multiplied by.
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "norms"

    curve: Literal["demon", "one_cycle"] = "demon"
    """Whether momentum falls to zero, or dips and returns."""
    initial: Annotated[float, Interval(gt=0, lt=1)] = 0.9
    """Momentum that the curve of demon is drawn for: the optimizer's own."""
    lowest: Annotated[float, Interval(ge=0, le=1)] = 0.895
    """Gain at the turn of one_cycle: 0.85 of a momentum of 0.95."""
    turn: Annotated[float, Interval(gt=0, lt=1)] = 0.3
    """Share of the budget at which one_cycle turns."""

    def before_batch(self, controls: Controls, state: Any, view: View) -> tuple[Controls, Any]:
        spent = view.clock.fraction
        gain = (
            demon(spent, self.initial)
            if self.curve == "demon"
            else one_cycle(spent, self.lowest, self.turn)
        )
        return replace(controls, momentum=controls.momentum * gain), {"gain": gain}

    def meters(self, state: Any) -> Meters:
        return state or {}


def demon(spent: float, initial: float) -> float:
    """beta / beta_0 of Demon, 1 at the start and 0 at the end of the budget.

    Examples:
        Half-way from a momentum of 0.9, which is then 0.82:

        >>> round(demon(0.5, 0.9), 3)
        0.909
    """
    left = 1.0 - spent
    return left / ((1.0 - initial) + initial * left)


def one_cycle(spent: float, lowest: float, turn: float) -> float:
    """Gain of a cosine from 1 down to `lowest` at `turn`, and up to 1 again at the end."""
    way = spent / turn if spent < turn else (1.0 - spent) / (1.0 - turn)
    return lowest + (1.0 - lowest) * 0.5 * (1.0 + math.cos(math.pi * way))
