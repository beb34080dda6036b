"""The interval that decides: it agrees with the verdict, and errs as rarely as it says."""

import math

import numpy as np
import pytest
from scripts.verdict_rates import CELLS, campaigns, one_noise, power, rate, verdict

from audition.stats import (
    compare,
    compare_campaign,
    minimal_detectable_effect,
    power_at,
    seeds_to_settle,
)
from audition.stats.noise import NoiseModel
from audition.stats.spreads import improvements


@pytest.mark.parametrize("sides", ["two", "one"])
@pytest.mark.parametrize(("m", "total"), [(1, 3), (5, 3), (4, 8)])
def test_the_interval_and_p_and_the_verdict_say_the_same(sides, m, total):
    rng = np.random.default_rng(m + total)
    better = 0
    for _ in range(12):
        losses = rng.normal(size=(m + 1, total)) * rng.uniform(0.3, 2, size=(m + 1, 1))
        losses[1:] -= rng.uniform(0, 8, size=(m, 1))
        ideas = {str(k): dict(enumerate(arm[:3])) for k, arm in enumerate(losses[1:])}
        for c in compare_campaign(dict(enumerate(losses[0])), ideas, sides=sides):
            low, high = c.ci
            assert c.is_better == (low > 0) == (c.p_adjusted <= 0.05 and c.improvement > 0)
            assert (c.verdict == "supported") == (low > 0 and c.improvement >= c.sesoi)
            assert (c.verdict == "refuted") == (high < c.sesoi)
            assert ("is better" in c.reason) == c.is_better
            assert c.level == pytest.approx(0.95 if sides == "two" else 0.9)
            assert ("simultaneous" in c.reason) == (m > 1)
            better += c.is_better
    assert better


def test_without_extra_seeds_one_idea_is_the_paired_t():
    rng = np.random.default_rng(0)
    baseline, idea = rng.normal(size=(2, 4))
    found = improvements(baseline, idea[None])
    spread = (baseline - idea).std(ddof=1)
    assert found.gain[0] == pytest.approx((baseline - idea).mean())
    assert found.error[0] == pytest.approx(spread / 2)
    assert found.df[0] == pytest.approx(3)


def test_extra_baseline_seeds_keep_the_pairing():
    rng = np.random.default_rng(1)
    seed = rng.normal(size=8)
    baseline = seed + 0.01 * rng.normal(size=8)
    ideas = seed[:3] + 0.01 * rng.normal(size=(4, 3))
    found = improvements(baseline, ideas)
    assert float(found.weight) > 0.98
    assert found.error.max() < 0.03  # unpaired it would be near sqrt(1/3 + 1/8)
    apart = improvements(rng.normal(size=8), rng.normal(size=(4, 3)))
    assert 3 / 8 <= float(apart.weight) < 0.98


def test_a_find_on_three_seeds_is_a_screening_result():
    baseline = {1: 3.0, 2: 3.02, 3: 2.99}
    idea = {1: 2.8, 2: 2.815, 3: 2.795}
    found = compare(baseline, idea, sesoi=0.05)
    assert found.verdict == "supported"
    assert found.is_screening
    assert "screening result" in found.reason
    assert not compare(baseline, idea, sesoi=0.05, tier="confirmed").is_screening


@pytest.mark.parametrize("cell", ["all arms equally noisy", "baseline 3 × noisier"])
def test_a_family_errs_as_rarely_as_it_says(cell):
    losses = campaigns(np.random.default_rng(2), 2000, 5, 3, 3, 0.5, **CELLS[cell])
    assert rate(verdict, losses) < 0.06 + 2 * math.sqrt(0.06 * 0.94 / 2000)
    if cell != "all arms equally noisy":
        assert rate(one_noise, losses) > 0.12


@pytest.mark.slow
@pytest.mark.parametrize("m", [1, 5, 20])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("n", [3, 5, 8])
def test_every_cell_holds(cell, m, n):
    losses = campaigns(np.random.default_rng(m + n), 4000, m, n, n, 0.5, **CELLS[cell])
    # Three seeds of twenty ideas with log-normal spreads are the known exception: .065.
    stated = 0.07 if cell.startswith("log") and m == 20 else 0.06
    assert rate(verdict, losses) < stated + 3 * math.sqrt(stated / 4000)


@pytest.mark.slow
def test_equal_noise_keeps_its_power():
    losses = campaigns(np.random.default_rng(3), 4000, 5, 8, 8, 0.5)
    before, now = (power(rule, losses, 0.5, 4) for rule in (one_noise, verdict))
    assert now > before - 0.08


@pytest.mark.slow
@pytest.mark.parametrize("m", [1, 5, 20])
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_promises_of_power_are_kept(rho, m):
    """A detectable gain is supported in .8 of cases; N seeds tell twice δ* from nothing in .8."""
    method = "own" if m == 1 else "block"
    arms = {str(k): 1.0 for k in range(m + 1)}
    noise = NoiseModel(sd=1.0, df=2, method=method, rho=rho, paired=True, arm_sds=arms)
    asked = {"family_size": m}
    gain = minimal_detectable_effect(5, noise, sesoi=1.0, **asked)
    needed = seeds_to_settle(1.0, noise, **asked)
    assert needed is not None
    assert power_at(2.0, needed, noise, sesoi=1.0, **asked) >= 0.8
    assert power_at(1.0, needed, noise, **asked) >= 0.8
    assert power_at(1.0, needed, noise, sesoi=1.0, **asked) <= 0.5
    rng = np.random.default_rng(m)
    for n, true, verdict_wanted in ((5, gain, "supported"), (needed, 2.0, "supported"),
                                    (needed, 0.0, "refuted")):  # fmt: skip
        found = verdict(*campaigns(rng, 3000, m, n, n, rho))
        centre, half_width = found[0][:, 0] + true, found[1][:, 0]
        supported = (centre > half_width) & (centre >= 1.0)
        met = supported if verdict_wanted == "supported" else centre + half_width < 1.0
        share = float(met.mean())
        assert share > 0.8 - 0.03, (n, true, share)
        if true == gain:
            assert share < 0.85
