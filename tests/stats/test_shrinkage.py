"""Shrinkage: sums by hand, and coverage of the top row in the long run."""

import math

import numpy as np
import pytest

from audition.stats.shrinkage import shrink


def test_by_hand():
    # Own variance 1, mean 3, Q = 36 + 1 + 1 + 36 = 74, DerSimonian-Laird tau2 = (74 - 3) / 3.
    found = shrink([-3.0, 2.0, 4.0, 9.0], [1.0] * 4)
    tau2 = 71 / 3
    kept = tau2 / (1 + tau2)
    assert found.mean == pytest.approx(3.0)
    assert found.tau == pytest.approx(math.sqrt(tau2))
    assert found.kept == pytest.approx([kept] * 4)
    assert found.effects == pytest.approx([3 + kept * gap for gap in (-6, -1, 1, 6)])
    # Morris: V (1 - (m-1)/m B) + 2 / (m-3) B^2 gap^2.
    drawn = 1 - kept
    variance = 1 - 0.75 * drawn + 2 * drawn**2 * 36
    low, high = found.intervals[3]
    assert (high - low) / 2 == pytest.approx(1.959964 * math.sqrt(variance), rel=1e-6)


def test_ideas_that_differ_by_noise_alone_go_to_the_mean():
    found = shrink([0.1, -0.1, 0.2, -0.2], [1.0] * 4)
    assert found.tau == 0.0
    assert found.effects == pytest.approx([0.0] * 4)
    assert found.kept == (0.0,) * 4


def test_precise_ideas_stay_where_they_are():
    found = shrink([0.0, 1.0, 2.0, 30.0], [1.0, 1.0, 1.0, 1e-3])
    assert found.kept[3] > found.kept[0]
    assert found.effects[3] == pytest.approx(30.0, abs=1e-4)


def test_the_baselines_luck_is_no_spread_of_ideas():
    """With half the variance shared, the same spread of estimates means more true spread."""
    effects, errors = [-1.0, 0.0, 0.5, 2.0], [1.0] * 4
    alone, shared = shrink(effects, errors), shrink(effects, errors, shared=0.5)
    assert alone.tau < shared.tau
    widths = [high - low for low, high in shared.intervals]
    assert min(widths) > 2 * 1.95 * math.sqrt(0.5)  # the baseline's part stays in every interval


@pytest.mark.parametrize("tau", [0.0, 0.7, 2.0])
def test_the_top_row_in_the_long_run(tau):
    rng, runs, m = np.random.default_rng(int(10 * tau)), 600, 12
    covered = raw_covered = 0
    bias, raw_bias = [], []
    for _ in range(runs):
        true = tau * rng.normal(size=m)
        seen = true + math.sqrt(0.5) * (rng.normal() + rng.normal(size=m))  # one baseline for all
        found = shrink(seen, np.ones(m), shared=0.5)
        top = int(seen.argmax())
        low, high = found.intervals[top]
        covered += low <= true[top] <= high
        raw_covered += abs(seen[top] - true[top]) <= 1.96
        bias.append(found.effects[top] - true[top])
        raw_bias.append(seen[top] - true[top])
    assert covered / runs == pytest.approx(0.95, abs=0.03)
    assert raw_covered <= covered
    assert abs(np.mean(bias)) < 0.25
    assert np.mean(raw_bias) > 2.0 * abs(np.mean(bias))


@pytest.mark.parametrize(
    ("effects", "errors", "settings", "match"),
    [
        ([1.0, 2.0, 3.0], [1.0] * 3, {}, "4 ideas or more"),
        ([1.0] * 4, [1.0] * 3, {}, "each with its error"),
        ([1.0, 2.0, 3.0, math.nan], [1.0] * 4, {}, "finite effects"),
        ([1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 0.0], {}, "positive standard errors"),
        ([1.0, 2.0, 3.0, 4.0], [1.0] * 4, {"shared": 1.0}, "shared=1.0"),
        ([1.0, 2.0, 3.0, 4.0], [1.0] * 4, {"level": 95.0}, "level=95"),
    ],
)
def test_refusals(effects, errors, settings, match):
    with pytest.raises(ValueError, match=match):
        shrink(effects, errors, **settings)
