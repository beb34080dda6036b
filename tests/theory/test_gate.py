"""The statements of docs/theory/gate.md, as mathematics: how often a gate by losses opens."""

from itertools import permutations
from math import asinh, ceil, cosh, exp, log, sinh

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from scipy.stats import norm, t

from audition.recipe.surprise import surprise


def opens_by_rank(losses, k):
    """Whether the last of `losses` [..., n + 1] is above the k-th smallest of the n before it."""
    before = np.sort(losses[..., :-1], axis=-1)
    return losses[..., -1] > (before[..., k - 1] if k else -np.inf)


@pytest.mark.parametrize("k", range(6))
def test_a_rank_gate_opens_in_exactly_its_share_of_the_orders(k):
    n = 5
    orders = np.array(list(permutations(range(n + 1))))
    assert opens_by_rank(orders, k).sum() * (n + 1) == len(orders) * (n + 1 - k)


@pytest.mark.parametrize("draw", ["normal", "standard_cauchy", "exponential"])
def test_whatever_the_distribution(draw):
    n, k, runs = 50, 40, 40_000
    losses = getattr(np.random.default_rng(0), draw)(size=(runs, n + 1))
    share = (n + 1 - k) / (n + 1)
    assert opens_by_rank(losses, k).mean() == pytest.approx(share, abs=4 * (share / runs) ** 0.5)


@pytest.mark.parametrize("tau", [0.0, 1.0, 2.0])
def test_a_z_gate_opens_as_a_students_t(tau):
    """Through the effects' own surprise; 1 - Φ(τ) is what exact moments would give."""
    memory, runs = 0.95, 20_000
    generator = torch.Generator().manual_seed(0)
    seen, opened = {}, []
    for step in range(130):
        loss = torch.randn(runs, generator=generator, dtype=torch.float64)
        z, seen = surprise(loss, seen, memory)
        opened += [(z > tau).double().mean().item()] if step >= 120 else []
    freedom = (1 + memory) / (1 - memory)
    share = t.sf(tau * memory**0.5, freedom)
    assert np.mean(opened) == pytest.approx(share, abs=4 * (share / runs / 3) ** 0.5)
    if tau:
        assert np.mean(opened) - norm.sf(tau) > 0.2 * (share - norm.sf(tau))


@pytest.mark.parametrize("drift", [0.0, 0.02, 0.05])
def test_a_falling_loss_closes_a_median_gate(drift):
    n, runs = 50, 20_000
    steps = np.arange(n + 1)
    losses = np.random.default_rng(1).normal(size=(runs, n + 1)) - drift * steps
    share = norm.sf(drift * (n + 1) / 2)
    assert opens_by_rank(losses, n // 2).mean() == pytest.approx(share, abs=0.025)


@pytest.mark.parametrize(("threshold", "rate"), [(0.1, 0.1), (0.01, 0.05)])
def test_a_gate_by_an_absolute_loss_makes_finitely_many_updates(threshold, rate):
    weight, updates = 3.0, 0
    for _ in range(10_000):
        if 0.5 * weight**2 > threshold:
            weight, updates = (1 - rate) * weight, updates + 1
    assert updates == ceil(log(threshold / 4.5) / (2 * log(1 - rate)))
    assert threshold * (1 - rate) ** 2 < 0.5 * weight**2 <= threshold


def test_training_on_the_harder_half_moves_a_skewed_mean_and_no_symmetric_one():
    """Where E[(x - m); |x - m| above its median] is nought, of Exp(1): c is that median."""

    def pull(m):
        c = asinh(exp(m) / 4)
        return 1 - m + 2 * exp(-m) * (c * cosh(c) - sinh(c))

    fixed = brentq(pull, 0.5, 2.0)
    assert fixed == pytest.approx(1.075, abs=5e-4)
    draws = np.random.default_rng(2)
    for x, mean in ((draws.exponential(size=400_000), fixed), (draws.normal(size=400_000), 0.0)):
        far = np.abs(x - mean)
        harder = x[far > np.median(far)]
        assert harder.mean() == pytest.approx(mean, abs=0.01)
        by_chance = x[draws.random(len(x)) < 0.5]
        assert by_chance.mean() == pytest.approx(x.mean(), abs=0.01)


def test_a_share_of_steps_buys_less_than_its_inverse():
    forward, backward, share = 1.0, 2.0, 0.45
    bought = (forward + backward) / (forward + share * backward)
    assert bought == pytest.approx(1.58, abs=0.01)
    assert bought < 1 / share
