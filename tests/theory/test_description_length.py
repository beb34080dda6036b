"""The statements of docs/theory/description_length.md, as mathematics: an anchor in bits."""

from math import log, log2, pi

import numpy as np
import pytest
import torch
from scipy.stats import norm

RNG = np.random.default_rng(0)


def test_the_penalty_is_the_log_of_a_normal_prior_up_to_a_constant():
    anchor, strength = RNG.normal(size=6), 3.0
    apart = []
    for _ in range(5):
        w = RNG.normal(size=6)
        penalty = 0.5 * strength * ((w - anchor) ** 2).sum()
        apart.append(penalty + norm.logpdf(w, anchor, strength**-0.5).sum())
    np.testing.assert_allclose(apart, 3 * log(strength / (2 * pi)), rtol=1e-12)


def test_the_bits_of_rounded_weights_are_the_penalty_and_a_constant():
    """Against the prior's probability of each cell of width δ."""
    anchor, strength, delta = RNG.normal(size=8), 4.0, 1e-3
    w = anchor + 0.4 * RNG.normal(size=8)
    edges = [norm.cdf(w + sign * delta / 2, anchor, strength**-0.5) for sign in (1, -1)]
    exact = -np.log2(edges[0] - edges[1]).sum()
    penalty = strength * ((w - anchor) ** 2).sum() / (2 * log(2))
    constant = len(w) / 2 * log2(2 * pi / (strength * delta**2))
    assert penalty + constant == pytest.approx(exact, rel=1e-7)


def test_complexity_times_strength_is_nats_a_weight():
    anchor, w, strength = RNG.normal(size=10), RNG.normal(size=10), 0.7
    complexity = ((w - anchor) ** 2).sum() / (2 * 10)
    bits = strength * ((w - anchor) ** 2).sum() / (2 * log(2))
    assert strength * complexity / log(2) == pytest.approx(bits / 10)


def evidence(strength, a, b, anchor):
    """Log evidence, up to a constant, of the loss wᵀaw/2 - bᵀw under N(anchor, 1/strength)."""
    n = len(b)
    whole = a + strength * np.eye(n)
    w = np.linalg.solve(whole, b + strength * anchor)
    loss = 0.5 * w @ a @ w - b @ w + 0.5 * strength * ((w - anchor) ** 2).sum()
    return 0.5 * n * log(strength) - 0.5 * np.linalg.slogdet(whole)[1] - loss, w


def test_the_strength_of_most_evidence_is_that_of_the_fixed_point():
    values = np.array([0.1, 1.0, 4.0, 20.0])
    a, b, anchor = np.diag(values), np.array([1.0, -3.0, 5.0, 10.0]), np.zeros(4)
    strength = 1.0
    for _ in range(500):
        _, w = evidence(strength, a, b, anchor)
        effective = (values / (values + strength)).sum()
        strength = effective / ((w - anchor) ** 2).sum()
    step = 1e-4 * strength
    up, down = (evidence(strength + s, a, b, anchor)[0] for s in (step, -step))
    assert abs(up - down) / (2 * step) < 1e-6
    assert all(
        evidence(strength * factor, a, b, anchor)[0] < evidence(strength, a, b, anchor)[0]
        for factor in (0.5, 0.9, 1.1, 2.0)
    )


def test_the_pac_bayes_divergence_is_its_closed_form():
    n, own, prior = 5, 0.3, 0.5
    w, anchor = torch.linspace(-1, 1, n).double(), torch.zeros(n).double()
    ratio = own**2 / prior**2
    closed = 0.5 * (((w - anchor) ** 2).sum() / prior**2 + n * (ratio - 1 - log(ratio)))
    draws = w + own * torch.randn(100_000, n, generator=torch.Generator().manual_seed(0)).double()
    normal = torch.distributions.Normal
    ratios = normal(w, own).log_prob(draws) - normal(anchor, prior).log_prob(draws)
    each = ratios.sum(1)
    assert each.mean() == pytest.approx(float(closed), abs=4 * float(each.std()) / 100_000**0.5)
