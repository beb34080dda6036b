"""Learning-rate schedules: where a run stands, to the gains of its next step."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Interval

from audition.recipe.signals import Clock, Controls


def warm_up(clock: Clock, warmup_steps: int) -> float:
    """The gain of a linear warm-up: (s + 1) / warmup_steps at step s, so no step is at rate 0.

    A warm-up that takes more than half of the run was meant for a longer one, and becomes a tenth
    of the run. Where the budget is wall time, it ends after a tenth of it at the latest.
    """
    steps = _warm_up_length(clock, warmup_steps)
    if clock.step >= steps:
        return 1.0
    gain = (clock.step + 1) / steps
    return min(1.0, max(gain, 10.0 * clock.fraction)) if clock.steps is None else gain


def progress(clock: Clock, warmup_steps: int) -> float:
    """How much of what follows the warm-up is spent, in [0, 1); of the whole, under wall time."""
    if clock.steps is None:
        return clock.fraction
    first = _warm_up_length(clock, warmup_steps)
    return max(0, clock.step - first) / max(1, clock.steps - first)


def _warm_up_length(clock: Clock, warmup_steps: int) -> int:
    if clock.steps is None or 2 * warmup_steps <= clock.steps:
        return warmup_steps
    return max(1, clock.steps // 10)


@dataclass(frozen=True, kw_only=True)
class Constant:
    """The configured rate from the first step to the last."""

    def __call__(self, clock: Clock) -> Controls:
        return Controls()


@dataclass(frozen=True, kw_only=True)
class Cosine:
    """A linear warm-up, then half a cosine from the configured rate down to `final` of it."""

    warmup_steps: Annotated[int, Ge(0)] = 100
    """Steps of linear warm-up; a tenth of the run where they would take more than half of it."""
    final: Annotated[float, Interval(ge=0, le=1)] = 0.1
    """Share of the configured rate that is left at the end."""

    def __call__(self, clock: Clock) -> Controls:
        fall = 0.5 * (1.0 + math.cos(math.pi * progress(clock, self.warmup_steps)))
        gain = self.final + (1.0 - self.final) * fall
        return Controls(lr=gain * warm_up(clock, self.warmup_steps))


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
