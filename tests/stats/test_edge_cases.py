"""The table of edge cases: what common tools get wrong, row by row."""

import json
import math

import pytest

from audition.stats import (
    Arm,
    NoiseModel,
    cohens_d,
    cohens_dz,
    compare,
    compare_campaign,
    estimate_noise,
    read_arm,
    seed_rule,
)

BASELINE = {42: 3.2812, 137: 3.2795, 256: 3.2801}
BETTER = {42: 3.2778, 137: 3.2769, 256: 3.2771}
NULL = {42: 3.2809, 137: 3.2803, 256: 3.2790}


def test_one_seed_gives_the_improvement_only():
    found = compare({42: 3.28}, {42: 3.27})
    assert found.verdict == "inconclusive"
    assert found.improvement == pytest.approx(0.01)
    assert math.isnan(found.p)
    assert math.isnan(found.mde)
    assert math.isnan(found.ci[0])
    assert found.seed_rule.passed is None


def test_one_seed_borrows_the_campaigns_detectable_effect():
    noise = NoiseModel(sd=0.01, df=20, rho=0.0, paired=True, method="block")
    found = compare(BASELINE, {42: 3.27}, noise=noise)
    assert found.improvement == pytest.approx(3.2812 - 3.27)
    assert found.mde == pytest.approx(0.0417, abs=5e-4)
    assert found.verdict == "inconclusive"
    assert "0.04166" in found.reason


def test_motionless_baseline_is_invalid_however_large_the_gain():
    found = compare({1: 3.28, 2: 3.28, 3: 3.28}, {1: 2.0, 2: 2.1, 3: 2.2})
    assert (found.verdict, found.seed_rule.passed) == ("invalid", None)
    assert "seeds were not applied" in found.reason


def test_identical_arms_are_invalid_with_or_without_spread():
    assert compare(BASELINE, dict(BASELINE)).verdict == "invalid"
    flat = {1: 3.28, 2: 3.28, 3: 3.28}
    found = compare(flat, flat)
    assert "changed nothing" in found.reason
    assert found.to_dict()["cohens_d"] is None


def trained(losses, weights):
    """An arm whose runs trained those weights."""
    return Arm(tuple(losses.values()), tuple(losses), weights=tuple(weights))


TIED = {1: 0.9, 2: 0.9, 3: 0.9}


@pytest.mark.parametrize("idea", [0.9, 0.8])
def test_a_tie_on_a_coarse_measure_is_no_sign_of_seeds_that_were_not_applied(idea):
    """Three seeds may well classify the same number of pictures, each with weights of its own."""
    other = dict.fromkeys(TIED, idea)
    found = compare(trained(TIED, "abc"), trained(other, "def"))
    assert found.verdict == "inconclusive"
    assert "has no standard error" in found.reason
    assert math.isnan(found.p)
    assert sum("too coarse" in warning for warning in found.warnings) == 2
    assert not any("check that" in warning for warning in found.warnings)
    (found,) = compare_campaign(trained(TIED, "abc"), {"idea": trained(other, "def")})
    assert found.verdict == "inconclusive"


def test_a_coarse_baseline_does_not_make_a_small_gain_certain():
    moving = trained({1: 0.89, 2: 0.9, 3: 0.88}, "def")
    found = compare(trained(TIED, "abc"), moving)
    assert found.verdict == "inconclusive"
    assert 0.01 < found.p < 0.5


@pytest.mark.parametrize("weights", ["aaa", ("", "", "")])
def test_equal_weights_or_none_known_leave_it_to_the_losses(weights):
    found = compare(trained(TIED, weights), trained(BETTER, "def"))
    assert "seeds were not applied" in found.reason


def test_an_idea_changed_nothing_where_it_trained_the_same_weights():
    base = trained(BASELINE, "abc")
    assert "changed nothing" in compare(base, trained(BASELINE, "abc")).reason
    assert "changed nothing" in compare(base, trained(BASELINE, ("", "", ""))).reason
    assert "changed nothing" not in compare(base, trained(BASELINE, "abd")).reason
    # Weights that only evaluation sees (a moving average) change the losses and no weight.
    assert "changed nothing" not in compare(base, trained(BETTER, "abc")).reason


def test_weights_stay_with_their_seeds():
    arm = trained(BASELINE, "abc").restricted_to((256, 42))
    assert (arm.seeds, arm.weights) == ((256, 42), ("c", "a"))


def test_constant_shift_has_no_paired_p():
    found = compare({1: 3.28, 2: 3.27, 3: 3.29}, {1: 3.27, 2: 3.26, 3: 3.28})
    assert math.isnan(found.p_paired)
    assert math.isnan(found.cohens_dz)
    assert found.design == "pooled"
    assert found.cohens_d == pytest.approx(1.0)
    assert 0.0 < found.p < 0.5
    assert any("same amount" in warning for warning in found.warnings)
    assert math.isnan(cohens_dz({1: 3.28, 2: 3.27}, {1: 3.27, 2: 3.26}))


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_divergence_is_an_outcome(loss):
    found = compare(BASELINE, {**BETTER, 137: loss})
    assert (found.verdict, found.kind, found.diverged, found.n) == ("refuted", "unstable", 1, 3)
    assert "1 of 3" in found.reason
    assert math.isnan(found.improvement)
    assert found.wins == 2
    assert found.seed_rule.passed is False
    # Two idea runs beat all baseline runs; the diverged one ranks last: U = 6 of 9.
    assert found.p_mann_whitney == pytest.approx(0.35)
    with pytest.raises(ValueError, match="1 of 3 runs diverged"):
        cohens_d(BASELINE, {**BETTER, 137: loss})


def test_diverged_baseline_is_invalid():
    found = compare({**BASELINE, 42: math.inf}, BETTER)
    assert found.verdict == "invalid"
    assert found.seed_rule is None


@pytest.mark.parametrize("idea", [{**BETTER, 137: None}, {42: 3.2778, 256: 3.2771}])
def test_missing_seed_is_paired_by_id_and_said(idea):
    found = compare(BASELINE, idea)
    assert (found.seeds, found.n, found.diverged) == ((42, 256), 2, 0)
    assert found.improvement == pytest.approx(((3.2812 - 3.2778) + (3.2801 - 3.2771)) / 2)
    assert "137" in found.warnings[0]
    assert "again" in found.warnings[0]


def test_order_of_seeds_does_not_pair_by_position():
    reordered = {seed: BETTER[seed] for seed in (256, 42, 137)}
    assert compare(BASELINE, reordered).p == compare(BASELINE, BETTER).p


def test_duplicate_seed_is_an_error():
    with pytest.raises(ValueError, match="duplicate seed 42"):
        read_arm([(42, 3.28), (137, 3.27), (42, 3.29)])


def test_no_shared_seed_is_unpaired_with_a_warning():
    found = compare(BASELINE, {1: 3.2778, 2: 3.2769, 3: 3.2771})
    assert found.design == "welch"
    assert found.p == found.p_welch
    assert math.isnan(found.p_paired)
    assert "share no seed" in found.warnings[0]
    assert compare([3.1, 3.2, 3.3], [3.0, 3.1, 3.15]).design == "welch"


def test_large_offset_does_not_cancel():
    near = cohens_d([1.0, 2.0, 4.0], [0.5, 1.0, 2.0])
    far = cohens_d([x + 2.0**30 for x in (1.0, 2.0, 4.0)], [x + 2.0**30 for x in (0.5, 1, 2)])
    # One pass (mean of squares minus square of mean) would keep no digit here.
    assert far == pytest.approx(near, rel=1e-6)


def test_extra_baseline_seeds_are_mixed_with_the_shared_ones():
    baseline = {**BASELINE, 1: 3.2790, 2: 3.2808, 3: 3.2799, 4: 3.2815, 5: 3.2789}
    found = compare(baseline, BETTER)
    assert (found.design, found.n_baseline) == ("mixed", 8)
    assert 2 <= found.df <= 9
    assert found.seed_rule.false_pass_rate == pytest.approx(0.0106, abs=1e-4)
    campaign = compare_campaign(baseline, {"a": BETTER, "b": NULL})
    assert {c.design for c in campaign} == {"mixed"}
    assert any("extra ones" in warning for warning in campaign[0].warnings)


def test_three_shared_seeds_and_two_arms_are_paired():
    found = compare(BASELINE, BETTER)
    assert (found.design, found.df, found.p_floor) == ("paired", 2, 0.125)


def test_weak_pairing_is_said():
    shuffled = {42: 3.2771, 137: 3.2778, 256: 3.2769}
    assert any("Welch" in warning for warning in compare(BASELINE, shuffled).warnings)
    assert not compare(BASELINE, BETTER).warnings


def test_every_verdict_and_kind():
    noise = NoiseModel(sd=0.01, df=40, rho=0.0, paired=True, method="block")
    shift = {"supported": 0.03, "harmful": -0.05, "negligible": 0.0, "open": 0.012}
    wiggle = dict(zip(range(8), (0, 1e-4, -1e-4, 2e-4, 0, -2e-4, 1e-4, -1e-4), strict=True))
    base = {s: 3.0 + 0.01 * (s % 3) for s in wiggle}
    found = {
        name: compare(base, {s: base[s] - by + wiggle[s] for s in base}, noise=noise, sesoi=0.011)
        for name, by in shift.items()
    }
    assert found["supported"].verdict == "supported"
    assert (found["harmful"].verdict, found["harmful"].kind) == ("refuted", "harmful")
    assert (found["negligible"].verdict, found["negligible"].kind) == ("refuted", "negligible")
    settled = compare(
        base, {s: base[s] - 0.005 + wiggle[s] for s in base}, noise=noise, sesoi=0.011
    )
    assert settled.verdict == "inconclusive"
    assert f"{settled.seeds_needed} seeds" in settled.reason
    wide = NoiseModel(sd=0.1, df=40, rho=0.0, paired=True, method="block")
    merely = compare(base, {s: base[s] + 0.06 + wiggle[s] for s in base}, noise=wide, sesoi=0.05)
    assert (merely.verdict, merely.kind) == ("refuted", None)


def test_family_counts_the_unreported():
    ideas = {"a": BETTER, "b": NULL}
    few = compare_campaign(BASELINE, ideas)[0]
    many = compare_campaign(BASELINE, ideas, family_size=30)[0]
    assert many.p_adjusted > few.p_adjusted > few.p == many.p
    assert many.seed_rule.family_false_pass_rate > few.seed_rule.family_false_pass_rate


def test_diverged_idea_stays_in_the_family():
    found = compare_campaign(BASELINE, {"a": BETTER, "b": {**NULL, 42: math.nan}})
    # Alone on its own spread: Bonferroni for two ideas, and both sides.
    assert found[0].adjustment == "bonferroni"
    assert found[0].p_adjusted == pytest.approx(2 * 2 * found[0].p)
    assert found[1].kind == "unstable"
    assert math.isnan(found[1].p_adjusted)


def test_copies_do_not_shrink_the_noise():
    arms = {"baseline": BASELINE, "a": BETTER, "b": NULL}
    assert (
        estimate_noise({**arms, "copy": dict(BASELINE)}).sd_difference
        == estimate_noise(arms).sd_difference
    )


def test_noise_says_what_it_chose():
    block = estimate_noise({"baseline": BASELINE, "a": BETTER, "b": NULL})
    assert block.method == "block"
    assert "3 arms ran the same 3 seeds" in block.choice
    own = estimate_noise({"baseline": BASELINE, "a": BETTER})
    assert own.method == "own"
    assert own.df == 2
    assert own.sd_difference == pytest.approx(0.0004)
    apart = estimate_noise({"baseline": [3.1, 3.2], "a": [3.0, 3.3]})
    assert (apart.method, apart.df) == ("pooled", 2)


def test_a_wild_idea_does_not_drown_the_others():
    arms = {"baseline": BASELINE, "wild": {42: 3.0, 137: 3.4, 256: 2.6}}
    for k in range(6):
        arms[f"i{k}"] = {s: x + 1e-4 * ((7 * k + s) % 5) for s, x in NULL.items()}
    noise = estimate_noise(arms)
    assert noise.method == "moderated"
    assert noise.outlier_arms == ("wild",)
    assert 0 < noise.d0 < math.inf
    found = {c.idea: c for c in compare_campaign(BASELINE, dict(list(arms.items())[1:]))}
    assert any("unlike" in warning for warning in found["wild"].warnings)
    assert found["wild"].standard_error > 5 * found["i0"].standard_error


def test_to_dict_is_json():
    for idea in (BETTER, {42: 3.1}, {**BETTER, 42: math.inf}):
        text = json.dumps(compare(BASELINE, idea).to_dict(), allow_nan=False)
        assert {"idea", "seeds", "ci", "verdict", "reason", "formulae"} <= set(json.loads(text))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compare(BASELINE, BETTER, alpha=1.5), "alpha=1.5"),
        (lambda: compare(BASELINE, BETTER, sesoi=-1.0), "sesoi=-1.0"),
        (lambda: compare(BASELINE, BETTER, design="blok"), "choose auto, paired"),
        (lambda: compare_campaign(BASELINE, {}), "fewer than two arms"),
        (lambda: compare_campaign(BASELINE, {"a": BETTER}, adjust="bonf"), "choose dunnett"),
        (lambda: compare_campaign(BASELINE, {"a": BETTER, "b": NULL}, family_size=1), "smaller"),
        (lambda: estimate_noise({"baseline": BASELINE}), "fewer than two arms"),
        (lambda: estimate_noise({"a": BASELINE, "b": NULL}, method="best"), "choose auto, own"),
        (lambda: seed_rule(BASELINE, BETTER, family_size=0), "m=0"),
        (lambda: cohens_dz([1.0, 2.0], [1.0]), "cannot pair 2"),
        (lambda: read_arm(["x"], name="a"), "'x' is not a number"),
    ],
)
def test_errors_name_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
