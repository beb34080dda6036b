"""The energy verdict, on sums done by hand."""

import math

import pytest

from audition.stats.energy import energy_verdict

LOSS = {"improvement": 0.0, "standard_error": 0.001, "df": 4.0, "margin": 0.01}
BASELINE = {1: 100.0, 2: 200.0, 3: 400.0}


def test_the_ratio_and_its_interval_are_those_of_paired_logarithms():
    idea = {1: 80.0, 2: 170.0, 3: 320.0}
    found = energy_verdict(BASELINE, idea, **LOSS)
    logs = [math.log(0.8), math.log(0.85), math.log(0.8)]
    mean = sum(logs) / 3
    sd = math.sqrt(sum((x - mean) ** 2 for x in logs) / 2)
    half = 4.302652729911275 * sd / math.sqrt(3)  # t quantile .975 with 2 df
    assert found.ratio == pytest.approx(math.exp(mean))
    assert found.ratio_ci == pytest.approx((math.exp(mean - half), math.exp(mean + half)))
    assert (found.kind, found.n, found.paired) == ("saves", 3, True)
    assert (found.joules_baseline, found.joules_idea) == (pytest.approx(700 / 3), 190.0)


@pytest.mark.parametrize(
    ("factors", "loss", "kind"),
    [
        ((0.80, 0.81, 0.79), {}, "saves"),
        ((0.80, 0.81, 0.79), {"improvement": -0.02}, "worse"),
        ((0.80, 0.81, 0.79), {"standard_error": 0.1}, "worse"),
        ((0.80, 0.81, 0.79), {"standard_error": math.nan}, "worse"),
        ((1.20, 1.21, 1.19), {}, "costs"),
        ((0.80, 1.30, 0.95), {}, "open"),
    ],
)
def test_what_it_comes_to(factors, loss, kind):
    idea = {seed: f * BASELINE[seed] for seed, f in zip(BASELINE, factors, strict=True)}
    assert energy_verdict(BASELINE, idea, **{**LOSS, **loss}).kind == kind


def test_a_spread_between_seeds_is_no_matter_where_they_are_paired():
    idea = {seed: 0.9 * joules + seed for seed, joules in BASELINE.items()}
    paired = energy_verdict(BASELINE, idea, **LOSS)
    apart = energy_verdict(BASELINE, {seed + 9: j for seed, j in idea.items()}, **LOSS)
    assert (paired.kind, apart.kind) == ("saves", "open")
    assert not apart.paired


def test_one_seed_has_a_ratio_and_no_interval():
    found = energy_verdict({1: 100.0}, {1: 50.0}, **LOSS)
    assert (found.ratio, found.kind) == (pytest.approx(0.5), "open")
    assert all(map(math.isnan, found.ratio_ci))


def test_what_is_no_joules_is_refused():
    for bad in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="of the idea's seed 2 is not above 0"):
            energy_verdict(BASELINE, {1: 1.0, 2: bad}, **LOSS)
    with pytest.raises(ValueError, match="the baseline has no joules"):
        energy_verdict({}, BASELINE, **LOSS)
