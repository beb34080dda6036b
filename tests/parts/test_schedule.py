"""Schedules: gains worked out by hand."""

from itertools import pairwise

import pytest

from audition.parts.schedule.constant import Constant
from audition.parts.schedule.cosine import Cosine
from audition.parts.schedule.wsd import WarmupStableDecay
from audition.recipe.batches import Clock
from audition.recipe.signals import Controls


def gain(schedule, step, steps):
    return schedule(Clock(step, steps, step / steps)).lr


COSINE = Cosine(warmup_steps=10, final=0.1)
PLATEAU = {"warmup_steps": 10, "decay": 0.5, "final": 0.2}


@pytest.mark.parametrize(
    ("schedule", "step", "expected"),
    [
        (COSINE, 0, 0.1),
        (COSINE, 4, 0.5),
        (COSINE, 9, 1.0),
        (COSINE, 10, 1.0),
        (COSINE, 60, 0.55),  # half of the 100 steps after the warm-up
        (COSINE, 85, 0.1 + 0.9 * 0.5 * (1 - 2**-0.5)),  # three quarters
        (Cosine(warmup_steps=0), 0, 1.0),
        (WarmupStableDecay(**PLATEAU), 0, 0.1),
        (WarmupStableDecay(**PLATEAU), 10, 1.0),
        (WarmupStableDecay(**PLATEAU), 55, 1.0),
        (WarmupStableDecay(**PLATEAU), 82.5, 0.6),
        (WarmupStableDecay(**PLATEAU, shape="cosine"), 82.5, 0.6),
        (WarmupStableDecay(**PLATEAU, shape="sqrt"), 55 + 55 / 4, 0.6),
        (WarmupStableDecay(warmup_steps=0, decay=1.0), 0, 1.0),
        (WarmupStableDecay(warmup_steps=0, decay=1.0), 55, 0.5),
    ],
)
def test_gain_of_a_run_of_110_steps(schedule, step, expected):
    assert gain(schedule, step, 110) == pytest.approx(expected)


def test_constant_is_neutral():
    assert Constant()(Clock(0, 10, 0.0)) == Constant()(Clock(9, None, 0.9)) == Controls()


@pytest.mark.parametrize("schedule", [Cosine(), WarmupStableDecay(), Constant()])
@pytest.mark.parametrize("steps", [1, 2, 3, 30, 100, 150, 199, 200, 1302])
def test_no_step_is_at_rate_zero_and_every_run_reaches_the_full_rate(schedule, steps):
    gains = [gain(schedule, step, steps) for step in range(steps)]
    assert min(gains) > 0
    assert max(gains) == pytest.approx(1.0, rel=0.03)


@pytest.mark.parametrize(
    ("steps", "length"), [(1302, 100), (250, 100), (200, 100), (199, 19), (50, 5), (3, 1)]
)
def test_a_warm_up_that_would_fill_the_run_becomes_a_tenth_of_it(steps, length):
    gains = [gain(Cosine(), step, steps) for step in range(steps)]
    assert gains[:length] == pytest.approx([(s + 1) / length for s in range(length)])
    assert gains[length] == pytest.approx(1.0)
    assert all(later < earlier for earlier, later in pairwise(gains[length:]))


def test_wall_time_uses_the_fraction():
    def lr(schedule, step, fraction):
        return schedule(Clock(step, None, fraction)).lr

    cosine = Cosine(warmup_steps=100, final=0.0)
    assert lr(cosine, 0, 0.0) == pytest.approx(0.01)
    assert lr(cosine, 0, 0.05) == pytest.approx(0.5, rel=0.01)  # slow steps: a tenth of the time
    assert lr(cosine, 5, 0.5) == pytest.approx(0.5)
    assert lr(cosine, 500, 0.5) == pytest.approx(0.5)
    stable = WarmupStableDecay(warmup_steps=10, decay=0.2)
    assert lr(stable, 4, 0.001) == pytest.approx(0.5)
    assert lr(stable, 50, 0.5) == 1.0
    assert lr(stable, 90, 0.9) == pytest.approx(0.5)
