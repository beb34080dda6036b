"""Interaction contrasts: sums by hand, the block's error, and coverage."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from audition.stats import estimate_noise
from audition.stats.interaction import interaction

BASELINE = {1: 3.00, 2: 3.10, 3: 3.20}
FIRST = {1: 2.90, 2: 3.00, 3: 3.11}
SECOND = {1: 2.95, 2: 3.06, 3: 3.15}
BOTH = {1: 2.80, 2: 2.92, 3: 2.98}


def test_by_hand():
    found = interaction(BASELINE, FIRST, SECOND, BOTH)
    # Seed by seed, first + second - baseline - both.
    contrasts = [0.05, 0.04, 0.08]
    assert found.contrast == pytest.approx(sum(contrasts) / 3)
    assert (found.first, found.second, found.both) == pytest.approx((0.29 / 3, 0.14 / 3, 0.2))
    assert found.contrast == pytest.approx(found.both - found.first - found.second)
    test = scipy_stats.ttest_1samp(contrasts, 0.0)
    assert found.p == pytest.approx(test.pvalue)
    assert found.ci == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert (found.design, found.df, found.seeds) == ("own", 2, (1, 2, 3))
    assert found.shows == (found.ci[0] > 0)


def test_the_blocks_error_is_four_residuals():
    rng = np.random.default_rng(2)
    seed = rng.normal(size=3)
    arms = {str(k): dict(enumerate(seed + rng.normal(size=3))) for k in range(8)}
    noise = estimate_noise(arms, method="block")
    found = interaction(*(arms[str(k)] for k in range(4)), noise=noise)
    residual = noise.sd**2 * (1 - noise.rho)
    assert found.standard_error == pytest.approx(math.sqrt(4 * residual / 3))
    assert (found.design, found.df) == ("block", 14)


def test_only_seeds_that_all_four_ran():
    found = interaction({**BASELINE, 4: 3.3}, FIRST, {**SECOND, 5: 3.0}, {2: 2.92, 1: 2.8, 4: 3.0})
    assert found.seeds == (1, 2)
    one = interaction(BASELINE, FIRST, SECOND, {2: 2.92})
    assert one.contrast == pytest.approx(0.04)
    assert math.isnan(one.ci[0])
    assert not one.shows


@pytest.mark.parametrize("block", [False, True])
def test_intervals_cover(block):
    rng, runs, covered = np.random.default_rng(6), 400, 0
    for _ in range(runs):
        losses = 0.7 * rng.normal(size=3) + 0.7 * rng.normal(size=(6, 3))
        losses[3] -= 1.0  # a true interaction of 1
        arms = {str(k): dict(enumerate(arm)) for k, arm in enumerate(losses)}
        noise = estimate_noise(arms, method="block") if block else None
        found = interaction(*(arms[str(k)] for k in range(4)), noise=noise)
        covered += found.ci[0] <= 1.0 <= found.ci[1]
    assert covered / runs == pytest.approx(0.95, abs=0.035)


def test_refusals():
    with pytest.raises(ValueError, match="all four arms ran"):
        interaction(BASELINE, FIRST, SECOND, {9: 3.0})
    with pytest.raises(ValueError, match="both ideas: 1 of 3 runs diverged"):
        interaction(BASELINE, FIRST, SECOND, {**BOTH, 2: math.nan})
    with pytest.raises(ValueError, match="level=0"):
        interaction(BASELINE, FIRST, SECOND, BOTH, level=0)
