"""The card's rule against its closed form, its table and a plain simulation."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from audition.stats import dunnett_tail, seed_rule_false_pass_rate, seed_rule_pass_rate

TABLE = {2: (0.139, 0.099, 0.045), 3: (0.065, 0.035, 0.008), 5: (0.017, 0.005, 0.0003)}


@pytest.mark.parametrize("n", TABLE)
def test_table(n):
    found = [seed_rule_false_pass_rate(n, rho) for rho in (0.0, 0.5, 0.9)]
    assert found == pytest.approx(TABLE[n], abs=6e-4)
    assert seed_rule_false_pass_rate(10) == pytest.approx(0.0008, abs=5e-5)


def test_power_of_the_rule():
    found = [seed_rule_pass_rate(effect, 3) for effect in (0.5, 1, 2, 3, 5)]
    assert found == pytest.approx([0.15, 0.27, 0.59, 0.84, 0.99], abs=5e-3)
    falling = [seed_rule_pass_rate(1.0, n) for n in (3, 5, 10)]
    assert falling == pytest.approx([0.27, 0.17, 0.07], abs=5e-3)
    assert seed_rule_pass_rate(3.0, 3, n_baseline=8) == pytest.approx(0.89, abs=5e-3)


def test_families():
    assert seed_rule_false_pass_rate(3, m=10) == pytest.approx(0.227, abs=3e-3)
    assert seed_rule_false_pass_rate(3, m=30) == pytest.approx(0.316, abs=3e-3)
    assert seed_rule_false_pass_rate(3, n_baseline=8) == pytest.approx(0.011, abs=5e-4)
    assert seed_rule_false_pass_rate(3, m=30, n_baseline=8) == pytest.approx(0.139, abs=1e-3)


@pytest.mark.parametrize("n", [2, 3, 5, 10])
@pytest.mark.parametrize("rho", [-0.3, 0.0, 0.5, 0.9])
def test_two_sigma_clause_is_the_closed_form(n, rho):
    c = math.sqrt(n / (2 * (1 - rho)))
    exact = scipy_stats.t.sf(2 * c, n - 1)
    assert seed_rule_false_pass_rate(n, rho, d_min=0.0) == pytest.approx(exact, rel=1e-8)
    gain = scipy_stats.nct.sf(2 * c, n - 1, 1.5 * c)
    assert seed_rule_pass_rate(1.5, n, rho=rho, d_min=0.0) == pytest.approx(gain, rel=1e-8)


def test_family_without_d_clause_is_dunnetts_integral():
    dunnett = dunnett_tail(2 * math.sqrt(1.5), m=10, df=2)
    assert seed_rule_false_pass_rate(3, m=10, d_min=0.0) == pytest.approx(dunnett, rel=1e-6)


@pytest.mark.parametrize(
    ("n", "rho", "m", "nb"),
    [(2, 0.0, 1, 2), (3, 0.5, 1, 3), (3, 0.4, 10, 3), (3, 0.5, 5, 8), (5, 0.3, 2, 3)],
)
def test_against_simulation(n, rho, m, nb):
    rng, runs = np.random.default_rng(n + m + nb), 60_000
    seed = math.sqrt(rho) * rng.normal(size=(runs, max(n, nb)))
    base = seed[:, :nb] + math.sqrt(1 - rho) * rng.normal(size=(runs, nb))
    s0, any_passes = base.std(axis=1, ddof=1), np.zeros(runs, dtype=bool)
    for _ in range(m):
        idea = seed[:, :n] + math.sqrt(1 - rho) * rng.normal(size=(runs, n))
        gain = base.mean(axis=1) - idea.mean(axis=1)
        within = (nb - 1) * s0**2 + (n - 1) * idea.var(axis=1, ddof=1)
        any_passes |= (gain > 2 * s0) & (gain >= 0.5 * np.sqrt(within / (nb + n - 2)))
    rate = seed_rule_false_pass_rate(n, rho, m, nb)
    assert abs(any_passes.mean() - rate) < 4 * math.sqrt(rate * (1 - rate) / runs) + 1e-3


def test_bad_arguments():
    for bad in ({"n": 1}, {"n": 3, "rho": 1.0}, {"n": 3, "m": 0}, {"n": 3, "n_baseline": 1}):
        with pytest.raises(ValueError, match="choose n and n_baseline"):
            seed_rule_false_pass_rate(**bad)
