"""The frontier against brute force, and the area behind it against staircases summed by hand."""

import random

import pytest

from audition.records.studies import front_of
from audition.stats.frontier import frontier, hypervolume


@pytest.mark.parametrize("seed", range(20))
def test_it_is_what_no_other_point_beats(seed):
    rng = random.Random(seed)
    # Few values, so that many points are equal in one or in both.
    points = [(float(rng.randrange(6)), float(rng.randrange(6))) for _ in range(rng.randrange(30))]
    assert sorted(frontier(points)) == front_of(points)
    losses = [points[i][0] for i in frontier(points)]
    assert losses == sorted(losses)


def test_the_area_of_a_staircase():
    assert hypervolume([(1.0, 3.0), (2.0, 1.0)], (4.0, 5.0)) == 3 * 2 + 2 * 2
    assert hypervolume([(1.0, 3.0), (2.0, 1.0), (3.0, 3.0)], (4.0, 5.0)) == 10.0  # one behind
    assert hypervolume([(1.0, 1.0), (1.0, 1.0)], (2.0, 2.0)) == 1.0
    assert hypervolume([], (2.0, 2.0)) == 0.0
    assert hypervolume([(3.0, 0.5), (0.5, 3.0)], (2.0, 2.0)) == 0.0  # beyond the reference


@pytest.mark.parametrize("seed", range(5))
def test_the_area_is_the_share_of_darts_that_some_point_dominates(seed):
    rng = random.Random(seed)
    points = [(rng.random(), rng.random()) for _ in range(6)]
    darts = [(rng.random(), rng.random()) for _ in range(20_000)]
    hit = sum(any(p[0] <= d[0] and p[1] <= d[1] for p in points) for d in darts)
    assert hypervolume(points, (1.0, 1.0)) == pytest.approx(hit / len(darts), abs=0.015)
