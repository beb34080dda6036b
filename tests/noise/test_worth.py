"""What a way of measuring is worth, against the variance of the estimators themselves."""

import numpy as np
import pytest
from scripts.noise.losses import TABLE, Run, read, write
from scripts.noise.table import printed
from scripts.noise.worth import (
    adjusted,
    bootstrap,
    morgan,
    pairing,
    pooled,
    stopped_half_way,
    window_share,
)

RNG = np.random.default_rng


def arms(rng, *shape, rho=0.6):
    """Losses of baseline and idea, [..., S], of unit variance and same-seed correlation rho."""
    shared, own, other = rng.normal(size=(3, *shape))
    return tuple(np.sqrt(rho) * shared + np.sqrt(1 - rho) * each for each in (own, other))


def test_pairing_is_one_minus_the_correlation():
    baseline, idea = arms(RNG(0), 100_000)
    assert pairing(baseline, idea) == pytest.approx(0.4, abs=0.01)


def test_the_share_of_the_windows_is_that_of_their_noise():
    """A seed's own sd 1; a part's 2 for all seeds, which counts for nothing, and 3 for each alone."""
    rng = RNG(1)
    seeds, parts = 4000, 8
    d = rng.normal(size=(seeds, 1)) + 2 * rng.normal(size=(1, parts))
    d = d + 3 * rng.normal(size=(seeds, parts))
    assert window_share(d) == pytest.approx((9 / 8) / (1 + 9 / 8), abs=0.03)
    assert window_share(d - d.mean(1, keepdims=True) + rng.normal(size=(seeds, 1)) * 1e-9) == 1.0


@pytest.mark.parametrize("extra", [0.0, 3.0])
def test_a_covariate_saves_what_it_saves_of_the_estimators_variance(extra):
    """Many experiments of 12 seeds, the baseline with `extra` times as many more."""
    rng, n = RNG(2), 12
    baseline, idea = arms(rng, 20_000, n)
    d = baseline - idea
    more = rng.normal(size=(20_000, int(extra * n)))
    whole = np.concatenate([baseline, more], 1).mean(1)
    centred = baseline - baseline.mean(1, keepdims=True)
    slope = (centred * d).sum(1) / np.square(centred).sum(1)
    estimate = d.mean(1) - slope * (baseline.mean(1) - whole)
    found = estimate.var() / d.mean(1).var()
    big, same = arms(rng, 200_000)
    squared = np.corrcoef(big - same, big)[0, 1] ** 2
    # The slope is estimated from twelve seeds.
    expected = (1 - squared) * (1 + extra / (1 + extra) / (n - 3)) + squared / (1 + extra)
    assert found == pytest.approx(expected, rel=0.02)
    limit = (1 - squared) + squared / (1 + extra)
    assert adjusted(big, same, extra=extra) == pytest.approx(limit, rel=1e-3)
    few = [
        float(adjusted(*pair, extra=extra))
        for pair in zip(baseline[:4000], idea[:4000], strict=True)
    ]
    assert np.mean(few) == pytest.approx(expected, rel=0.05)
    if not extra:  # its mean is known no better than that of the difference
        assert found == pytest.approx(1.0)


def test_unpaired_with_more_baseline_seeds_is_what_a_verdict_does_with_them():
    baseline, idea = arms(RNG(3), 100_000)
    assert pooled(baseline, idea, extra=3.0) == pytest.approx((1 + 1 / 4) / 0.8, rel=0.02)


def test_an_interval_draws_whole_seeds():
    old = RNG(4).normal(size=30)

    def ratio(new, old):
        return float(new.var() / old.var())

    same = bootstrap(ratio, old / 2, old)
    assert (same.seeds, same.low, same.high, same.n) == (0.25, 0.25, 0.25, 30)
    apart = bootstrap(ratio, RNG(5).normal(size=30), old)
    assert apart.low < 1 < apart.high


def test_stopping_half_way_pays_where_the_half_tells_the_end():
    half, other = RNG(7).normal(size=(2, 100_000))
    assert stopped_half_way(half, half) == pytest.approx(0.5)
    assert stopped_half_way(half, other) == pytest.approx(1.0)
    # The least over all N / n of ((1 - q) + q n / N) (N / n + 1) / 2, at q = .8.
    end = np.sqrt(0.8) * half + np.sqrt(0.2) * other
    ratios = np.linspace(1, 10, 10_001)
    least = ((0.2 + 0.8 / ratios) * (ratios + 1) / 2).min()
    assert stopped_half_way(half, end) == pytest.approx(least, rel=5e-3)


def test_the_interval_of_a_ratio_of_variances_covers_it():
    """Variances 1 and 2 of the same seven seeds, correlated by .6: 95 % of intervals hold a half."""
    rng, held = RNG(6), 0
    for _ in range(2000):
        new, old = arms(rng, 7)
        found = morgan(new, np.sqrt(2) * old)
        held += found.low < 0.5 < found.high
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


def test_the_table_of_losses_is_read_as_it_was_written(tmp_path):
    losses = {
        Run(1000, "bf16", "4e-3", "baseline", seed, "live"): tuple(k / 8 for k in range(8))
        for seed in (137, 42)
    }
    write(losses, tmp_path / "t.csv")
    assert read(tmp_path / "t.csv") == losses


def test_the_page_has_the_tables_that_the_script_makes():
    page = TABLE.parents[1].joinpath("noise.md").read_text(encoding="utf-8").splitlines()
    missing = [line for line in printed(read()) if line not in page]
    assert not missing
