"""Inverse square root: a warm-up, then a fall by 1/√step (Vaswani et al. 2017)."""

import math
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from audition.parts.schedule.warmup import warm_up, warm_up_length
from audition.recipe.batches import Clock
from audition.recipe.signals import Controls


@dataclass(frozen=True, kw_only=True)
class InverseSquareRoot:
    """min(t / w, √(w / t)) of the configured rate at the t-th step, for a warm-up of w steps.

    After the warm-up it does not depend on the length of the run, which may go on at any time.
    Without one it is 1/√t.
    """

    warmup_steps: Annotated[int, Ge(0)] = 100
    """Steps of linear warm-up; a tenth of the run where they would take more than half of it."""

    def __call__(self, clock: Clock) -> Controls:
        peak, step = max(1, warm_up_length(clock, self.warmup_steps)), clock.step + 1
        gain = math.sqrt(peak / max(step, peak))
        return Controls(lr=gain * warm_up(clock, self.warmup_steps))
