"""Medians of few measurements: ranks by hand, coverage by brute force."""

from itertools import product

import pytest

from audition.stats.medians import covered, median_interval, ratio_interval


def test_twenty_values_by_the_sixth_and_the_fifteenth():
    found = median_interval([float(x) for x in range(20, 0, -1)])
    assert (found.median, found.low, found.high) == (10.5, 6.0, 15.0)
    assert found.coverage == pytest.approx(0.9586, abs=1e-4)


@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_coverage_is_what_all_ways_to_fall_give(n):
    """Each value is above or below the true median, as a coin falls."""
    for rank in range(1, n // 2 + 1):
        falls = [sum(coins) for coins in product((0, 1), repeat=n)]
        inside = sum(rank <= below <= n - rank for below in falls) / len(falls)
        assert covered(n, rank) == pytest.approx(inside)


def test_of_too_few_values_it_is_the_range():
    found = median_interval([3.0, 1.0, 2.0])
    assert (found.low, found.high, found.coverage) == (1.0, 3.0, 0.75)
    with pytest.raises(ValueError, match="a median of nothing"):
        median_interval([])


def test_what_meets_a_whole_block_leaves_ratios_alone():
    base = [1.0, 1.1, 0.9, 5.0, 1.0, 7.0]
    found = ratio_interval([2 * x for x in base], base)
    assert (found.median, found.low, found.high) == pytest.approx((2.0, 2.0, 2.0))
