"""Tail average: evaluation sees the plain mean of the last weights of a run; training does not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Interval

from audition.recipe.average import Average, taken_in
from audition.recipe.effect import Replays
from audition.recipe.signals import Tensors, View

ROUNDING = 1e-9  # 1 - 0.3 is above 0.7, and the step at 7 / 10 belongs to the last three tenths


@dataclass(frozen=True, kw_only=True)
class TailAverage(Average):
    """Evaluators see the mean of the weights after each update of the last `share` of the budget.

    mean_n = (w_1 + ... + w_n) / n, n counted from where the tail begins: the suffix average of
    Rakhlin, Shamir & Sridharan (2012). Before the tail evaluators see the live weights. The trained
    weights keep the bits they have without it. A share of 0 is the exact identity; of 1, the mean of
    the whole run (Polyak & Juditsky 1992).

    Memory: the mean, as large as the weights, from where the tail begins, in checkpoints too; a copy
    of the weights during an evaluation.

    Meters: `updates`, the number of updates in the mean.
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "entries"
    neutral: ClassVar[Mapping[str, object]] = {"share": 0.0}
    active: ClassVar[Mapping[str, object]] = {"share": 0.5}

    share: Annotated[float, Interval(ge=0, le=1)] = 0.05
    """Share of the budget, at its end, whose weights are averaged."""

    def moments(self) -> frozenset[str]:
        return super().moments() if self.share else frozenset()

    def on_weights(self, params: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        if view.clock.fraction < 1.0 - self.share - ROUNDING:
            return params, state
        return params, taken_in(state, params, 1.0 / (state["updates"] + 1))
