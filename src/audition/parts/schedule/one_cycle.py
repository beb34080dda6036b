"""One cycle: the rate rises to its highest and falls to almost nothing (Smith & Topin 2018)."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt, Interval

from audition.recipe.batches import Clock
from audition.recipe.signals import Controls


@dataclass(frozen=True, kw_only=True)
class OneCycle:
    """From `initial` of the configured rate up to it, and down to `final` of it at the last step.

    The defaults are those of torch's `OneCycleLR` without its cycle of momentum, whose .85 of .95 is
    `momentum=0.895`.
    """

    warmup: Annotated[float, Interval(ge=0, lt=1)] = 0.3
    """Share of the whole run over which the rate rises."""
    initial: Annotated[float, Gt(0), Interval(le=1)] = 0.04
    """Share of the configured rate at the first step, unless that has the full rate."""
    final: Annotated[float, Gt(0), Interval(le=1)] = 4e-6
    """Share of the configured rate at the last step."""
    momentum: Annotated[float, Gt(0), Interval(le=1)] = 1.0
    """Gain on the momentum where the rate is highest; it goes down and up as the rate goes up and
    down. 1 leaves the momentum as it is."""
    shape: Literal["cosine", "linear"] = "cosine"
    """How it rises and falls: by half a cosine, or along a straight line."""

    def __call__(self, clock: Clock) -> Controls:
        spent, peak = clock.fraction, self.warmup
        if clock.steps is not None:
            # The first and the last step have the ends of the cycle, so that it lasts steps - 1.
            last = max(1, clock.steps - 1)
            spent, peak = clock.step / last, max(0.0, self.warmup * clock.steps - 1.0) / last
        if spent < peak:
            near = self._eased(spent / peak)
            return self._gains(self.initial, near)
        near = self._eased(1.0 - min(1.0, (spent - peak) / (1.0 - peak)))
        return self._gains(self.final, near)

    def _gains(self, end: float, near: float) -> Controls:
        """Between an end of the cycle (near = 0) and its peak (near = 1)."""
        return Controls(lr=end + (1.0 - end) * near, momentum=1.0 - (1.0 - self.momentum) * near)

    def _eased(self, x: float) -> float:
        return x if self.shape == "linear" else 0.5 * (1.0 - math.cos(math.pi * x))
