"""How many runs a meter sees: by slot of the pool that makes them."""

import pytest

from audition.energy.meter import AtOnce
from audition.sweep.local import at_once
from audition.sweep.pool import PoolSettings


@pytest.mark.parametrize(
    ("settings", "jobs", "card", "machine"),
    [
        ({"workers": 1}, 9, 1, 1),
        ({"workers": 4}, 9, 1, 4),
        ({"workers": 4}, 3, 1, 3),
        ({"workers": 6, "gpus": (0, 1), "runs_per_gpu": 3}, 9, 3, 6),
        ({"workers": 6, "gpus": (0, 1), "runs_per_gpu": 3}, 2, 1, 2),
        ({"workers": 6, "gpus": (0, 1), "runs_per_gpu": 3}, 3, 2, 3),
        ({"workers": 4, "gpus": (0, 1, 2, 3), "runs_per_gpu": 2, "gpus_per_run": 2}, 9, 2, 4),
    ],
)
def test_slots(settings, jobs, card, machine):
    assert at_once(PoolSettings(**settings), jobs) == AtOnce(card=card, machine=machine)
