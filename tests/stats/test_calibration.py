"""Calibration: vectorised decisions against `compare`, replays against closed forms."""

import math

import numpy as np
import pytest

from audition.stats import (
    compare,
    compare_campaign,
    seed_rule_false_pass_rate,
)
from audition.stats.calibration import replay_splits, simulate_null, simulate_null_campaign
from audition.stats.decisions import decide, decide_campaign
from audition.stats.proportion import overlapping_interval, wilson_interval


def arms(rng, n_baseline, n, *, shared):
    """Losses near 3 of a baseline and an idea whose gain is around where decisions change."""
    seed = rng.normal(size=max(n_baseline, n)) * shared
    baseline = 3 + 0.1 * (seed[:n_baseline] + rng.normal(size=n_baseline))
    idea = 3 + 0.1 * (seed[:n] + rng.normal(size=n) - rng.uniform(0, 4))
    return baseline, idea


@pytest.mark.parametrize(
    ("design", "n_baseline", "n"),
    [("paired", 3, 3), ("paired", 2, 2), ("mixed", 8, 3), ("welch", 3, 3), ("welch", 2, 4)],
)
@pytest.mark.parametrize("sesoi", [None, 0.15])
def test_decisions_agree_with_compare(design, n_baseline, n, sesoi):
    rng = np.random.default_rng(n_baseline * n)
    made = []
    for _ in range(60):
        baseline, idea = arms(rng, n_baseline, n, shared=design == "paired")
        seeds = range(100, 100 + n) if design == "welch" else range(n)
        one = dict(enumerate(baseline)), dict(zip(seeds, idea, strict=True))
        c = compare(*one, sesoi=sesoi)
        assert c.design == design
        found = decide(baseline[None], idea[None], design=design, sesoi=sesoi)
        decisions = (found.significant[0], found.supported[0], found.passed[0])
        assert decisions == (c.is_better, c.verdict == "supported", c.seed_rule.passed)
        made.append(decisions)
    assert np.array(made).sum(axis=0).min() > 5
    assert np.array(made).sum(axis=0).max() < 55


@pytest.mark.parametrize(("m", "n"), [(2, 3), (4, 2), (3, 5)])
def test_campaign_decisions_agree_with_compare_campaign(m, n):
    rng = np.random.default_rng(m * n)
    for _ in range(8):
        losses = rng.normal(size=(m + 1, n)) + rng.normal(size=n)
        losses[1:] -= rng.uniform(0, 4, size=(m, 1))
        ideas = {str(k): dict(enumerate(arm)) for k, arm in enumerate(losses[1:])}
        wanted = compare_campaign(dict(enumerate(losses[0])), ideas)
        found = decide_campaign(losses[None, 0], losses[None, 1:])
        assert found.significant[0].tolist() == [c.is_better for c in wanted]
        assert found.supported[0].tolist() == [c.verdict == "supported" for c in wanted]
        assert found.passed[0].tolist() == [c.seed_rule.passed for c in wanted]


def test_campaigns_with_extra_baseline_seeds_agree():
    rng = np.random.default_rng(11)
    for _ in range(8):
        baseline, ideas = rng.normal(size=6), rng.normal(size=(4, 3))
        ideas -= rng.uniform(0, 4, size=(4, 1))
        arms = {str(k): dict(enumerate(arm)) for k, arm in enumerate(ideas)}
        wanted = compare_campaign(dict(enumerate(baseline)), arms)
        assert {c.design for c in wanted} == {"mixed"}
        found = decide_campaign(baseline[None], ideas[None])
        assert found.significant[0].tolist() == [c.is_better for c in wanted]
        assert found.supported[0].tolist() == [c.verdict == "supported" for c in wanted]
        assert found.passed[0].tolist() == [c.seed_rule.passed for c in wanted]


@pytest.mark.parametrize(
    ("baseline", "idea"),
    [
        ([3.0, 3.0, 3.0], [2.0, 2.1, 2.2]),  # seeds without effect: invalid
        ([3.0, 3.1, 3.2], [2.9, 3.0, 3.1]),  # a constant shift, tested unpaired
        ([3.0, 3.1, 3.2], [1.0, 1.1, 1.2]),
        ([3.0, 3.1, 3.2], [3.0, 3.1, 3.2]),  # nothing changed
    ],
)
def test_decisions_agree_on_edge_cases(baseline, idea):
    c = compare(dict(enumerate(baseline)), dict(enumerate(idea)))
    found = decide(np.array([baseline]), np.array([idea]), design="paired")
    assert found.supported[0] == (c.verdict == "supported")
    assert found.passed[0] == bool(c.seed_rule.passed)


@pytest.mark.parametrize(
    ("design", "n", "settings"),
    [("paired", 3, {"rho": 0.5}), ("mixed", 3, {"rho": 0.4, "n_baseline": 8}), ("welch", 5, {})],
)
def test_simulated_nulls_meet_the_nominal_rates(design, n, settings):
    found = simulate_null(design, n, trials=40_000, rng=np.random.default_rng(3), **settings)
    exact = seed_rule_false_pass_rate(n, settings.get("rho", 0.0), 1, settings.get("n_baseline", n))
    assert found.rate("passed").nominal == exact
    # Four standard errors of 40,000 trials.
    assert found.rate("passed").measured == pytest.approx(exact, abs=4 * math.sqrt(exact / 4e4))
    test = found.rate("significant")
    if (
        design == "paired"
    ):  # the one exact test of the three: Welch approximates, rho narrows pooled
        assert test.measured == pytest.approx(0.025, abs=4 * math.sqrt(0.025 * 0.975 / 4e4))
    assert found.rate("supported").measured <= test.measured < 0.035
    assert test.interval[0] < test.measured < test.interval[1]
    assert (found.trials, found.independent) == (40_000, 40_000)


def test_simulated_campaigns_hold_the_family_error():
    found = simulate_null_campaign(10, 3, trials=20_000, rng=np.random.default_rng(5))
    assert 0.005 < found.rate("significant").measured < 0.03
    assert found.rate("supported").measured <= found.rate("significant").measured
    assert found.rate("passed").nominal == pytest.approx(0.227, abs=3e-3)
    assert found.rate("passed").measured == pytest.approx(0.227, abs=4 * 0.003)
    extra = simulate_null_campaign(30, 3, n_baseline=8, rng=np.random.default_rng(6))
    assert extra.design == "mixed"
    assert 0.005 < extra.rate("significant").measured < 0.03
    assert extra.rate("passed").nominal == pytest.approx(0.139, abs=1e-3)
    assert extra.rate("passed").measured == pytest.approx(0.139, abs=4 * 0.0025)


def test_the_scale_of_losses_matters_only_beside_a_sesoi():
    def rates(**settings):
        rng = np.random.default_rng(0)
        found = simulate_null("paired", 3, rho=0.3, trials=2000, rng=rng, **settings)
        return [rate.measured for rate in found.rates]

    assert rates(sd=1.0) == rates(sd=0.01)
    assert rates(sd=1.0, sesoi=3.0)[1] < rates(sd=1.0, sesoi=0.5)[1]


def test_every_split_of_four_seeds_by_hand():
    # {0, 1} against {10, 11} and back; every mixed split is far from any gain.
    found = replay_splits([np.array([0.0, 1.0, 10.0, 11.0])], 2)
    assert (found.trials, found.every, found.independent) == (6, True, 1)
    # One split of six has the low pair as the idea: gain 10 > 2 sqrt(.5), and Welch's t = 14.1.
    assert found.rate("passed").measured == pytest.approx(1 / 6)
    assert found.rate("significant").measured == pytest.approx(1 / 6)
    assert found.rate("supported").measured == pytest.approx(1 / 6)
    assert found.rate("passed").nominal == seed_rule_false_pass_rate(2)
    # One independent pair: KL(1/6 || x) = ln 40 bounds the rate, and excludes next to nothing.
    low, high = found.rate("passed").interval
    assert low < 1e-6 + 0.001
    assert high > 0.98


def test_splits_count_what_is_independent():
    rng = np.random.default_rng(8)
    nine = replay_splits([rng.normal(size=9)], 3)
    assert (nine.trials, nine.independent) == (math.comb(9, 3) * math.comb(6, 3), 1)
    two = replay_splits([rng.normal(size=6), rng.normal(size=13), rng.normal(size=4)], 3, most=1000)
    assert (two.independent, two.every) == (3, False)  # 1 + 2 + a pool too small to use
    assert two.trials == 20 + 1000


def test_random_splits_average_to_all_of_them():
    pool = np.random.default_rng(1).normal(size=10)
    every = replay_splits([pool], 3, most=10**6)
    some = replay_splits([pool], 3, most=2000, rng=np.random.default_rng(2))
    rates = [[rate.measured for rate in replay.rates] for replay in (every, some)]
    assert rates[1] == pytest.approx(rates[0], abs=0.03)


def test_splits_of_normal_noise_are_unbiased():
    rng = np.random.default_rng(4)
    measured = [replay_splits([rng.normal(size=6)], 3).rate("passed").measured for _ in range(600)]
    nominal = seed_rule_false_pass_rate(3)
    assert np.mean(measured) == pytest.approx(nominal, abs=4 * np.std(measured) / math.sqrt(600))


def test_wilson_interval():
    # By hand: centre (.1 + z2/200) / (1 + z2/100), z2 = 3.8415.
    assert wilson_interval(10, 100) == pytest.approx((0.05523, 0.17437), abs=1e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 3.84146 / 23.84146), abs=1e-5)
    assert wilson_interval(20, 20)[1] == 1.0
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_overlapping_interval():
    # Nothing seen: (1 - x)^n = .025.
    assert overlapping_interval(0.0, 10) == pytest.approx((0.0, 1 - 0.025**0.1))
    assert overlapping_interval(1.0, 10) == pytest.approx((0.025**0.1, 1.0))
    low, high = overlapping_interval(0.3, 50)
    for end in (low, high):
        divergence = 0.3 * math.log(0.3 / end) + 0.7 * math.log(0.7 / (1 - end))
        assert 50 * divergence == pytest.approx(math.log(40))
    narrow = wilson_interval(15, 50)
    assert low < narrow[0] < narrow[1] < high
    assert overlapping_interval(0.5, 0) == (0.0, 1.0)


def test_refusals():
    normal = np.random.default_rng(0).normal(size=(2, 3))
    with pytest.raises(ValueError, match="design='block' is unknown"):
        decide(normal, normal, design="block")
    with pytest.raises(ValueError, match="2 baseline and 3 idea seeds"):
        decide(normal[:, :2], normal, design="paired")
    with pytest.raises(ValueError, match="alpha=1"):
        decide(normal, normal, design="paired", alpha=1.5)
    with pytest.raises(ValueError, match="sesoi=0"):
        decide_campaign(normal, np.zeros((2, 4, 3)), sesoi=0.0)
    with pytest.raises(ValueError, match="1 ideas on 3 make no campaign"):
        decide_campaign(normal, np.zeros((2, 1, 3)))
    with pytest.raises(ValueError, match="which has 3"):
        replay_splits([np.arange(3.0)], 2)
    with pytest.raises(ValueError, match="not finite"):
        replay_splits([np.array([1.0, 2.0, 3.0, math.nan])], 2)
    with pytest.raises(ValueError, match="rho=1"):
        simulate_null("paired", 3, rho=1.0)
    with pytest.raises(ValueError, match="trials=0"):
        simulate_null_campaign(3, 3, trials=0)
    with pytest.raises(ValueError, match="share=2"):
        overlapping_interval(2.0, 3)
