"""Dropout scheduler: dropout comes in over the run (curriculum), or leaves it early."""

import math
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Interval

from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.signals import Controls, View


@dataclass(frozen=True, kw_only=True)
class DropoutScheduler(Effect):
    """Gains on every rate of dropout, attention's among them, over the share f of the spent budget.

    * `curriculum` (Morerio et al. 2017, "Curriculum Dropout"): p(f) = p (1 - exp(-steepness f)), from
      0 towards the configured p.
    * `early` (Liu et al. 2023, "Dropout Reduces Underfitting"): p until `until`, 0 from then on.

    It needs a model with dropout, `model.dropout=0.1` for instance, in the baseline too. Evaluation
    drops nothing, as ever.

    Meters: `gain`, what the configured rates were multiplied by.
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "norms"
    needs: ClassVar[dict[str, object]] = {"model.dropout": 0.1}

    curve: Literal["curriculum", "early"] = "curriculum"
    """Whether dropout comes in slowly, or is switched off."""
    steepness: Annotated[float, Ge(0)] = 5.0
    """How fast curriculum comes in: at 5, to 0.63 of the rate after a fifth of the budget."""
    until: Annotated[float, Interval(ge=0, le=1)] = 0.5
    """Share of the budget at which early ends."""

    def before_batch(self, controls: Controls, state: Any, view: View) -> tuple[Controls, Any]:
        spent = view.clock.fraction
        gain = (
            1.0 - math.exp(-self.steepness * spent)
            if self.curve == "curriculum"
            else float(spent < self.until)
        )
        return replace(controls, dropout=controls.dropout * gain), {"gain": gain}

    def meters(self, state: Any) -> Meters:
        return state or {}
