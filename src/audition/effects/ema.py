"""EMA: evaluation sees an exponential moving average of the weights; training does not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Interval

from audition.recipe.average import Average, taken_in
from audition.recipe.effect import Replays
from audition.recipe.signals import Tensors, View


@dataclass(frozen=True, kw_only=True)
class EMA(Average):
    """Evaluators see the mean of the weights after each update, shares falling by decay with age.

    mean_n = Σ_i decay^(n-i) w_i / Σ_i decay^(n-i): what an average that starts from nought comes to
    once its start is divided out (as Adam's moments are: Kingma & Ba 2015), so that the first
    weights count no more than their age says. It averages over about 1 / (1 - decay) updates, and as
    the decay nears 1 over all of them alike (Polyak & Juditsky 1992 for that mean; Tarvainen &
    Valpola 2017 for this one). A decay suits a number of steps: the default gains at the 1,302 steps
    of a nano run and costs at 325 (docs/results/noise.md). The trained weights keep the bits they
    have without it. A decay of 0 is the exact identity.

    Memory: the mean, as large as the weights, in checkpoints too; a copy of the weights during an
    evaluation.

    Meters: `updates`, the number of updates in the mean.
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "entries"
    neutral: ClassVar[Mapping[str, object]] = {"decay": 0.0}
    active: ClassVar[Mapping[str, object]] = {"decay": 0.5}

    decay: Annotated[float, Interval(ge=0, lt=1)] = 0.98
    """Share of the mean that stays at every update."""
    start: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    """Share of the run after which the mean begins; until then evaluators see the live weights."""

    def moments(self) -> frozenset[str]:
        return super().moments() if self.decay else frozenset()

    def on_weights(self, params: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        if view.clock.fraction < self.start:
            return params, state
        fresh = (1.0 - self.decay) / (1.0 - self.decay ** (state["updates"] + 1))
        return params, taken_in(state, params, fresh)
