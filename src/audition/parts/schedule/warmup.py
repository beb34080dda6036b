"""The warm-up that schedules share, and how much of a run comes after it."""

from audition.recipe.batches import Clock


def warm_up(clock: Clock, warmup_steps: int) -> float:
    """The gain of a linear warm-up: (s + 1) / warmup_steps at step s, so no step is at rate 0.

    A warm-up that takes more than half of the run was meant for a longer one, and becomes a tenth
    of the run. Where the budget is wall time, it ends after a tenth of it at the latest.
    """
    steps = warm_up_length(clock, warmup_steps)
    if clock.step >= steps:
        return 1.0
    gain = (clock.step + 1) / steps
    return min(1.0, max(gain, 10.0 * clock.fraction)) if clock.steps is None else gain


def progress(clock: Clock, warmup_steps: int) -> float:
    """How much of what follows the warm-up is spent, in [0, 1); of the whole, under wall time."""
    if clock.steps is None:
        return clock.fraction
    first = warm_up_length(clock, warmup_steps)
    return max(0, clock.step - first) / max(1, clock.steps - first)


def warm_up_length(clock: Clock, warmup_steps: int) -> int:
    """Steps of the warm-up: those asked for, or a tenth of a run of which they would be most."""
    if clock.steps is None or 2 * warmup_steps <= clock.steps:
        return warmup_steps
    return max(1, clock.steps // 10)
