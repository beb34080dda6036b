"""Rates on drawn seeds: every draw by hand, the stated rate on normal noise, and other noise."""

import math
from itertools import combinations, permutations

import numpy as np
import pytest

from audition.stats import compare, seed_rule, seed_rule_pass_rate
from audition.stats.redrawn import redraw

RHO = 0.18


def normal(rng: np.random.Generator, seeds: int) -> np.ndarray:
    """Losses of six arms that are alike, of which those of one seed correlate by RHO."""
    own = rng.normal(size=(6, seeds)) * math.sqrt(1 - RHO)
    return own + rng.normal(size=seeds) * math.sqrt(RHO)


def test_the_draws_are_those_of_all_choices_and_pairs():
    losses = np.random.default_rng(0).normal(size=(3, 7))
    passed, better = [], []
    for first, second in permutations(losses, 2):
        for seeds in map(list, combinations(range(7), 3)):
            one, other = dict(enumerate(first[seeds])), dict(enumerate(second[seeds] - 0.5))
            passed.append(seed_rule(one, other).passed)
            better.append(compare(one, other).is_better)
    found = redraw(losses, 3, gain=0.5, draws=20_000)
    assert found.passed[0] == pytest.approx(np.mean(passed), abs=0.01)
    assert found.better[0] == pytest.approx(np.mean(better), abs=0.01)
    assert found.comparisons == 6 * 20_000


@pytest.mark.parametrize("gain", [0.0, 1.0])
def test_on_normal_noise_the_interval_holds_what_the_rule_states(gain):
    rng = np.random.default_rng(1)
    found = [redraw(normal(rng, 64), 3, gain=gain, draws=1000, rng=rng) for _ in range(60)]
    stated = seed_rule_pass_rate(gain, 3, rho=RHO)
    assert np.mean([each.passed[0] for each in found]) == pytest.approx(stated, rel=0.1)
    held = [low <= stated <= high for low, high in (each.passed[1] for each in found)]
    assert sum(held) >= 53  # of 60; 57 expected
    widths = [high - low for low, high in (each.passed[1] for each in found)]
    scatter = 3.92 * np.std([each.passed[0] for each in found])
    assert np.mean(widths) == pytest.approx(scatter, rel=0.3)


@pytest.mark.parametrize(("apart", "least", "most"), [(-2.0, 2.5, 5.0), (2.0, 0.3, 0.7)])
def test_a_few_runs_far_from_most_mislead_the_cards_rule_and_not_the_verdict(apart, least, most):
    rng = np.random.default_rng(2)
    few = rng.random((6, 400)) < 0.1
    found = redraw(normal(rng, 400) * 0.3 + apart * few, 3, draws=2000)
    stated = seed_rule_pass_rate(0.0, 3, rho=RHO)
    assert least < found.passed[0] / stated < most
    assert found.better[1][1] < 0.025
    assert found.supported[0] <= found.better[0]


def test_too_few_seeds():
    with pytest.raises(ValueError, match="2 arms on 3 seeds hold no finite draws of n=3 seeds"):
        redraw(np.zeros((2, 3)), 3)
