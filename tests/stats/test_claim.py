"""The claim "the same loss for at most 1/k": sums by hand, words, families, and its error and power."""

import math

import numpy as np
import pytest

from audition.stats.claim import Claimed
from audition.stats.claim_family import as_family
from audition.stats.multiplicity import holm
from audition.stats.saving import LOST, Estimate, planned_delta, saving

BASELINE = {1: 100.0, 2: 200.0, 3: 400.0}
SAME = Estimate(0.0, 0.001, 4.0, 3)
HALF = Estimate(math.log(2.0), 0.0, math.inf, 3)


def claim(gain=SAME, less=HALF, *, k=2.0, delta=0.01, **facts):
    return Claimed("arm", "tokens", k, delta, gain, less, **facts)


# --- sums by hand ---------------------------------------------------------------------------------


def test_the_factor_and_its_interval_are_those_of_paired_logarithms():
    found = claim(less=saving(BASELINE, {1: 80.0, 2: 170.0, 3: 320.0}), k=1)
    logs = [math.log(1 / 0.8), math.log(1 / 0.85), math.log(1 / 0.8)]
    mean = sum(logs) / 3
    sd = math.sqrt(sum((x - mean) ** 2 for x in logs) / 2)
    half = 4.302652729911275 * sd / math.sqrt(3)  # t quantile .975 with 2 df
    assert found.factor == pytest.approx(math.exp(mean))
    assert found.factor_ci == pytest.approx((math.exp(mean - half), math.exp(mean + half)))
    assert found.word == "supported"


def test_the_loss_is_tested_from_its_margin():
    found = claim(Estimate(-0.005, 0.002, 4.0, 5))
    # t = (-.005 + .01) / .002 = 2.5 with 4 df
    assert found.p_loss == pytest.approx(0.033383, abs=1e-6)
    assert found.p == found.p_loss


def test_without_shared_seeds_the_spread_between_them_counts():
    idea = {seed: 0.9 * cost + seed for seed, cost in BASELINE.items()}
    paired = saving(BASELINE, idea)
    apart = saving(BASELINE, {seed + 9: cost for seed, cost in idea.items()})
    assert claim(less=paired, k=1).cheaper
    assert not claim(less=apart, k=1).cheaper


def test_what_is_counted_has_no_error_even_on_one_seed():
    found = saving({1: 1_000_000}, {1: 500_000}, counted=True)
    assert (found.error, found.n) == (0.0, 1)
    assert claim(less=found, k=2).p_cost() == 0.0  # half of it is a factor of 2
    assert claim(less=found, k=2.001).word == "refuted"
    apart = saving({1: 80.0, 2: 80.0}, {3: 10.0}, counted=True)
    assert (apart.error, math.exp(apart.value)) == (0.0, pytest.approx(8.0))


def test_what_is_measured_on_one_seed_has_no_interval():
    found = claim(less=saving({1: 100.0}, {1: 40.0}))
    assert (found.factor, found.word) == (pytest.approx(2.5), "inconclusive")
    assert all(map(math.isnan, found.factor_ci))
    assert (found.score, found.at_least) == (None, None)


def test_what_is_no_cost_is_refused():
    for bad in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="of the idea's seed 2 is not above 0"):
            saving(BASELINE, {1: 1.0, 2: bad})
    with pytest.raises(ValueError, match="the baseline has no cost"):
        saving({}, BASELINE)


def test_noisy_seeds_buy_no_wider_margin():
    assert planned_delta(0.004, 1.8) == 0.004
    assert planned_delta(0.1, 1.8) == pytest.approx(0.009)
    assert planned_delta(math.nan, -0.9) == pytest.approx(0.0045)  # an accuracy, one seed


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gain", "less", "k", "word"),
    [
        (SAME, HALF, 2.0, "supported"),
        (SAME, HALF, 2.1, "refuted"),
        (Estimate(-0.02, 0.001, 4.0, 3), HALF, 2.0, "traded"),
        (Estimate(-0.02, 0.001, 4.0, 3), Estimate(-0.7, 0.0, math.inf, 3), 2.0, "refuted"),
        (Estimate(0.0, 0.02, 4.0, 3), HALF, 2.0, "inconclusive"),
        (Estimate(math.nan, math.nan, math.nan, 1), HALF, 2.0, "inconclusive"),
        (SAME, Estimate(0.7, 0.1, 2.0, 3), 2.0, "inconclusive"),
        (LOST, HALF, 2.0, "refuted"),
        (Estimate(0.0, 0.0, math.inf, 1), HALF, 2.0, "supported"),  # equal to the last bit
    ],
)
def test_the_word(gain, less, k, word):
    found = claim(gain, less, k=k)
    assert found.word == word
    assert found.to_dict()["word"] == word
    assert found.reasons


def test_a_fault_is_invalid_and_says_why():
    found = claim(fault="the baseline diverged")
    assert (found.word, found.reasons, found.p) == ("invalid", ("the baseline diverged",), 1.0)
    assert found.score is None


def test_a_trade_has_a_price():
    found = claim(Estimate(-0.08, 0.001, 4.0, 3), Estimate(math.log(16.0), 0.0, math.inf, 3))
    assert found.word == "traded"
    assert found.per_halving == pytest.approx(0.02)  # .08 for four halvings
    assert claim().per_halving is None


def test_a_score_needs_a_loss_that_is_as_good():
    assert claim().score == pytest.approx(2.0)
    assert claim(k=5.0).score == pytest.approx(2.0)  # the factor that was claimed is another matter
    assert claim(Estimate(0.0, 0.02, 4.0, 3)).score is None


def test_an_arm_dominates_by_the_claim_with_k_1_alone():
    less = Estimate(math.log(1.1), 0.01, 4.0, 5)
    assert claim(less=less, k=2.0).dominates  # whatever k was claimed
    assert not claim(less=Estimate(0.0, 0.0, math.inf, 5), k=1.0).dominates  # it costs the same
    assert not claim(Estimate(-0.009, 0.001, 4.0, 5), less).dominates
    assert not claim(less=Estimate(math.log(1.1), 0.1, 4.0, 5)).dominates


def test_factors_are_asked_in_order_until_one_fails():
    assert claim(less=Estimate(math.log(4.9), 0.0, math.inf, 3)).at_least == 3.0
    assert claim(less=Estimate(math.log(12.0), 0.0, math.inf, 3)).at_least == 10.0
    assert claim(less=Estimate(math.log(1.9), 0.0, math.inf, 3)).at_least is None
    wide = claim(less=Estimate(math.log(12.0), 0.4, 2.0, 3))
    held = [f for f in (2, 3, 5, 10) if wide.factor_ci[0] >= f]
    assert wide.at_least == (max(held) if held else None)


@pytest.mark.parametrize(("delta", "needed"), [(1.0, (8, 14, 18)), (2.0, (4, 5, 7))])
def test_the_seeds_that_a_claim_needs(delta, needed):
    """Own variance, power .8 at equal losses, by the correlation of same-seed losses."""
    for rho, n in zip((0.65, 0.3, 0.0), needed, strict=True):
        spread = math.sqrt(2.0 * (1.0 - rho))
        found = claim(Estimate(0.0, spread / math.sqrt(3), 2.0, 3), delta=delta)
        assert found.seeds_needed == n


def test_no_number_of_seeds_supports_a_factor_that_is_not_there():
    found = claim(Estimate(0.0, 0.02, 4.0, 3), Estimate(0.5, 0.1, 2.0, 3))
    assert found.seeds_needed is None
    assert "at such a cost" in found.reasons[-1]


# --- families -------------------------------------------------------------------------------------


def with_p(p, *, less=HALF, **facts):
    """A claim whose p is `p`, by a loss with many degrees of freedom."""
    from scipy.special import ndtri

    gain = Estimate(-float(ndtri(p)) - 1.0, 1.0, math.inf, 9)
    return claim(gain, less, delta=1.0, **facts)


def test_without_ladders_it_is_holm():
    ps = [0.02, 0.001, 0.3, 0.012]
    found = as_family([with_p(p) for p in ps])
    assert [c.p_adjusted for c in found] == pytest.approx(holm(ps))
    assert [c.word for c in found] == ["inconclusive", "supported", "inconclusive", "inconclusive"]
    assert "not as one of 4" in found[0].reasons[-1]


def test_a_ladder_ends_at_its_first_failure_whatever_comes_after():
    rungs = [Estimate(math.log(k), 0.0, math.inf, 3) for k in (8.0, 2.0, 4.0)]
    ladder = [
        with_p(p, less=less, k=math.exp(less.value), ladder="muon")
        for p, less in zip((0.0001, 0.01, 0.2), rungs, strict=True)
    ]
    found = as_family(ladder)
    assert [c.word for c in found] == ["inconclusive", "supported", "inconclusive"]
    assert [c.p_adjusted for c in found] == pytest.approx([0.2, 0.01, 0.2])  # no price for rungs


def test_the_rung_at_the_full_cost_comes_first_and_claims_nothing_itself():
    def ladder(p_full):
        rungs = ((p_full, 1.0), (0.01, 2.0))
        less = [Estimate(math.log(k), 0.0, math.inf, 3) for _, k in rungs]
        return [with_p(p, less=x, ladder="muon") for (p, _), x in zip(rungs, less, strict=True)]

    assert [c.word for c in as_family(ladder(0.02))] == ["refuted", "supported"]
    assert [c.word for c in as_family(ladder(0.4))] == ["refuted", "inconclusive"]


def test_ladders_share_the_error_and_hand_it_on():
    def two(first, second):
        rungs = ((first, 2.0), (second, 4.0))
        return [
            with_p(p, less=Estimate(math.log(k), 0.0, math.inf, 3), k=k, ladder=f"{first}")
            for p, k in rungs
        ]

    found = as_family([*two(0.004, 0.006), *two(0.02, 0.024)])
    assert [c.p_adjusted for c in found] == pytest.approx([0.008, 0.012, 0.02, 0.024])
    found = as_family([*two(0.004, 0.2), *two(0.02, 0.024)])  # the first is not done: no hand-on
    assert [c.word for c in found] == ["supported", *["inconclusive"] * 3]


def test_a_cost_that_is_counted_and_too_much_costs_the_others_nothing():
    full = Estimate(0.0, 0.0, math.inf, 3)  # all of the tokens, where half is claimed
    found = as_family([with_p(0.02), *(with_p(0.001, less=full) for _ in range(5))])
    assert [c.word for c in found] == ["supported", *["refuted"] * 5]
    assert found[0].p_adjusted == pytest.approx(0.02)
    assert found[0].family_size == 1
    measured = Estimate(0.0, 0.01, 4.0, 3)  # what is measured is a question
    assert as_family([with_p(0.02), with_p(0.001, less=measured)])[0].word == "inconclusive"


def test_what_is_invalid_still_counts_in_the_family():
    found = as_family([with_p(0.02), with_p(0.001, fault="no cost")])
    assert [c.p_adjusted for c in found] == pytest.approx([0.04, 1.0])


# --- error and power ------------------------------------------------------------------------------

CELLS = {
    # seeds: of (gap, ratio), the rate with own and with pooled variance
    3: [(1, 0.1, 0.026, 0.023), (0, 0.5, 0.006, 0.012), (0, 0.45, 0.13, 0.28),
        (0, 0.40, 0.21, 0.45), (0.5, 0.40, 0.09, 0.15)],
    5: [(1, 0.1, 0.026, 0.024), (0, 0.5, 0.012, 0.015), (0, 0.45, 0.46, 0.65),
        (0, 0.40, 0.48, 0.66), (0.5, 0.40, 0.16, 0.23)],
    8: [(1, 0.1, 0.024, 0.026), (0, 0.5, 0.019, 0.022), (0, 0.45, 0.77, 0.86),
        (0, 0.40, 0.77, 0.87), (0.5, 0.40, 0.28, 0.34)],
}  # fmt: skip


def rate(n, gap, ratio, *, pooled, trials, seed=0):
    """How often "half the cost, not worse by one seed sd" is supported; CV 3 %, correlation .6."""
    rng, df = np.random.default_rng(seed), 24
    apart = math.sqrt(2.0 * (1.0 - 0.6))
    losses = rng.normal(-gap, apart, (trials, n))
    logs = rng.normal(-math.log(ratio), 0.03 * math.sqrt(2.0), (trials, n))
    own = losses.std(1, ddof=1)
    spread = apart * np.sqrt(rng.chisquare(df, trials) / df) if pooled else own
    of_loss = (losses.mean(1), spread / math.sqrt(n))
    of_cost = (logs.mean(1), logs.std(1, ddof=1) / math.sqrt(n))
    held = 0
    for d, error, less, wide in zip(*of_loss, *of_cost, strict=True):
        gain = Estimate(d, error, df if pooled else n - 1.0, n)
        found = Claimed("arm", "seconds", 2.0, 1.0, gain, Estimate(less, wide, n - 1.0, n))
        held += found.word == "supported"
    return held / trials


@pytest.mark.parametrize(("n", "cell"), [(5, 0), (3, 3)])
def test_error_and_power_in_two_cells(n, cell):
    gap, ratio, own, _ = CELLS[n][cell]
    trials = 3000
    wide = 4.0 * math.sqrt(own * (1 - own) / trials) + 0.005
    assert rate(n, gap, ratio, pooled=False, trials=trials) == pytest.approx(own, abs=wide)


@pytest.mark.slow
@pytest.mark.parametrize("n", list(CELLS))
@pytest.mark.parametrize("pooled", [False, True])
def test_error_and_power(n, pooled):
    trials = 20_000
    for gap, ratio, own, with_others in CELLS[n]:
        wanted = with_others if pooled else own
        wide = 4.0 * math.sqrt(wanted * (1 - wanted) / trials) + 0.008
        found = rate(n, gap, ratio, pooled=pooled, trials=trials)
        assert found == pytest.approx(wanted, abs=wide), (gap, ratio)


@pytest.mark.slow
@pytest.mark.parametrize("n", list(CELLS))
def test_at_both_edges_at_once_it_hardly_ever_errs(n):
    assert rate(n, 1.0, 0.5, pooled=False, trials=20_000) <= 0.0015
