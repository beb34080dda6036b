"""Budgets in tokens, steps and minutes."""

import pytest

from audition.budget import Budget
from audition.errors import AuditionError


@pytest.mark.parametrize(
    ("budget", "per_step", "steps"),
    [
        (Budget(), 768, 1302),
        (Budget(tokens=1000), 100, 10),
        (Budget(tokens=1099), 100, 10),
        (Budget(tokens=5), 100, 1),
        (Budget(steps=7), 100, 7),
        (Budget(tokens=1, steps=7), 100, 7),
        (Budget(minutes=2.0), 100, None),
    ],
)
def test_total_steps(budget, per_step, steps):
    assert budget.total_steps(per_step) == steps


def test_fraction_of_steps_and_of_minutes():
    assert [Budget(steps=4).fraction(s, 4, 99.0) for s in (0, 1, 4, 5)] == [0.0, 0.25, 1.0, 1.0]
    assert [Budget(minutes=2.0).fraction(9, None, s) for s in (0, 30, 120, 999)] == [0, 0.25, 1, 1]


def test_steps_and_minutes_together_are_refused():
    with pytest.raises(AuditionError, match=r"budget\.steps=3 and budget\.minutes=1 are both"):
        Budget(steps=3, minutes=1.0)
