"""Warm-up, stable, decay: a plateau that may be left at any time (Hu et al. 2024)."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Interval

from audition.parts.schedule.warmup import warm_up
from audition.recipe.batches import Clock
from audition.recipe.signals import Controls


@dataclass(frozen=True, kw_only=True)
class WarmupStableDecay:
    """A linear warm-up, a plateau at the configured rate, and a fall at the end of the run."""

    warmup_steps: Annotated[int, Ge(0)] = 100
    """Steps of linear warm-up; a tenth of the run where they would take more than half of it."""
    decay: Annotated[float, Gt(0), Interval(le=1)] = 0.2
    """Share of the whole run over which the rate falls."""
    final: Annotated[float, Interval(ge=0, le=1)] = 0.0
    """Share of the configured rate that is left at the end."""
    shape: Literal["linear", "sqrt", "cosine"] = "linear"
    """How it falls: by x, by √x or by half a cosine, x being the share of the fall that is past."""

    def __call__(self, clock: Clock) -> Controls:
        spent = clock.fraction if clock.steps is None else clock.step / clock.steps
        x = max(0.0, 1.0 - (1.0 - spent) / self.decay)
        left = {
            "linear": 1.0 - x,
            "sqrt": 1.0 - math.sqrt(x),
            "cosine": 0.5 * (1.0 + math.cos(math.pi * x)),
        }[self.shape]
        gain = self.final + (1.0 - self.final) * left
        return Controls(lr=gain * warm_up(clock, self.warmup_steps))
