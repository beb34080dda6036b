"""Every number of the oracle: values computed elsewhere, in thirty-digit arithmetic."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from audition import stats
from audition.stats.distributions import t_tail
from audition.stats.moments import moments, pooled_sd
from audition.stats.noise import fit_block
from audition.stats.power import power_at
from audition.stats.ranks import mann_whitney
from audition.stats.seed_rule import rule_clauses
from audition.stats.t_tests import paired_error, pooled_error, welch_error

ORACLE = json.loads((Path(__file__).parent / "oracle.json").read_text())
DATASETS = {entry["name"]: entry for entry in ORACLE["datasets"]}
PAIRED = [name for name, entry in DATASETS.items() if "paired_t" in entry["expected"]]


def close(expected, rel=1e-9):
    return pytest.approx(expected, rel=rel, abs=1e-10)


def keyed(losses):
    return dict(zip((42, 137, 256, 7, 99, 1234, 5, 6), losses, strict=False))


def equivalence_p(comparison, margin):
    """TOST: the larger p of "the gain is at most -margin" and "it is at least margin"."""
    error, df = comparison.standard_error, comparison.df
    return t_tail((margin - abs(comparison.improvement)) / error, df)


@pytest.mark.parametrize("name", DATASETS)
def test_two_arm_numbers(name):
    entry = DATASETS[name]
    baseline, idea, want = entry["baseline"], entry["idea"], entry["expected"]
    first, second = stats.read_arm(baseline), stats.read_arm(idea)
    assert first.mean == close(want["mean_baseline"])
    assert second.mean == close(want["mean_idea"])
    assert first.sd == close(want["sd_baseline"])
    assert second.sd == close(want["sd_idea"])
    assert pooled_sd(first.moments, second.moments) == close(want["sd_pooled"])
    d = stats.cohens_d(baseline, idea)
    assert d == close(want["cohen_d"])
    assert stats.d_ci(d, first.n, second.n) == close(want["cohen_d_ci95"])
    assert stats.hedges_correction(first.n + second.n - 2) == close(want["J_exact_df_pooled"])
    comparison = stats.compare(baseline, idea)
    assert comparison.hedges_g == close(want["hedges_g_exact"])
    assert stats.glass_delta(baseline, idea) == close(want["glass_delta"])
    student, welch = stats.pooled_t(baseline, idea), stats.welch_t(baseline, idea)
    assert student.estimate == close(want["improvement"])
    assert (student.statistic, student.df) == close((want["student_t"], want["student_df"]))
    assert (student.p, student.p_two_sided) == close(
        (want["student_p_improve"], want["student_p_two"])
    )
    assert (welch.statistic, welch.df) == close((want["welch_t"], want["welch_df"]))
    assert (welch.p, welch.p_two_sided) == close((want["welch_p_improve"], want["welch_p_two"]))
    assert welch.ci() == close(want["welch_ci95"])
    ranks = mann_whitney(baseline, idea)
    assert ranks.statistic == want["mwu_U_baseline"]
    assert (ranks.p, ranks.p_two_sided) == close(
        (want["mwu_p_improve_exact"], want["mwu_p_two_exact"])
    )
    assert ranks.statistic / (first.n * second.n) == close(want["prob_superiority"])
    if "tost_margin" in want:
        assert equivalence_p(comparison, want["tost_margin"]) == close(want["tost_welch_p"])
    rule = stats.seed_rule(baseline, idea)
    assert rule.threshold == close(want["seed_rule_threshold_2sd"])
    assert rule.passed_2sigma is want["seed_rule_2sigma_pass"]
    assert rule.passed_d is want["seed_rule_d_pass"]
    assert rule.passed is want["seed_rule_pass"]


@pytest.mark.parametrize("name", PAIRED)
def test_paired_numbers(name):
    entry = DATASETS[name]
    baseline, idea, want = keyed(entry["baseline"]), keyed(entry["idea"]), entry["expected"]
    test = stats.paired_t(baseline, idea)
    n = len(baseline)
    assert (test.statistic, test.df) == close((want["paired_t"], want["paired_df"]))
    assert test.standard_error * math.sqrt(n) == close(want["sd_diff"])
    assert (test.p, test.p_two_sided) == close((want["paired_p_improve"], want["paired_p_two"]))
    assert test.ci() == close(want["paired_ci95"])
    dz = stats.cohens_dz(baseline, idea)
    assert dz == close(want["cohen_dz"])
    assert stats.hedges_correction(n - 1) * dz == close(want["hedges_gz_exact"])
    assert stats.dz_ci(dz, n) == close(want["cohen_dz_ci95"])
    assert stats.cohens_dav(baseline, idea) == close(want["cohen_dav"])
    assert stats.dav_ci(baseline, idea) == close(want["cohen_dav_ci95_algina_keselman"])
    comparison = stats.compare(baseline, idea)
    assert equivalence_p(comparison, want["tost_margin"]) == close(want["tost_paired_p"])
    assert comparison.rho == close(want["pearson_r"])
    assert comparison.wins == want["wins"]
    assert comparison.design == "paired"
    assert (comparison.p, comparison.p_welch) == close(
        (want["paired_p_improve"], want["welch_p_improve"])
    )
    assert comparison.ci == close(want["paired_ci95"])
    assert comparison.cohens_dz * math.sqrt(2 * (1 - comparison.rho)) == close(want["cohen_drm"])


@pytest.mark.parametrize("name", PAIRED)
def test_the_interval_calls_negligible_what_two_one_sided_tests_call_equivalent(name):
    baseline, idea = (keyed(DATASETS[name][arm]) for arm in ("baseline", "idea"))
    comparison = stats.compare(baseline, idea)
    reach = max(map(abs, comparison.ci))  # the smallest margin that holds the whole interval
    assert equivalence_p(comparison, reach) == close(0.025)
    for margin, negligible in ((1.001 * reach, True), (0.999 * reach, False)):
        found = stats.compare(baseline, idea, sesoi=margin)
        # Without a significant gain: significance and a worthwhile gain go before.
        assert found.verdict == "supported" or (found.kind == "negligible") is (
            negligible and found.ci[1] >= 0
        )


def test_a_hundred_trials_at_once_are_a_hundred_times_one():
    """The same formulas on arrays [trials, n]: every dataset of one size in one call."""
    names = [name for name in PAIRED if len(DATASETS[name]["baseline"]) == 3]
    baseline, idea = (
        np.array([DATASETS[name][arm] for name in names], dtype=float)
        for arm in ("baseline", "idea")
    )
    want = [DATASETS[name]["expected"] for name in names]
    first, second, differences = (moments(losses) for losses in (baseline, idea, baseline - idea))
    gain = first.mean - second.mean
    for t, (error, df) in (
        ("welch", welch_error(first, second)),
        ("student", pooled_error(first, second)),
        ("paired", paired_error(differences, first, second)),
    ):
        assert gain / error == close([each[f"{t}_t"] for each in want])
        assert df == close([each[f"{t}_df"] for each in want])
    two_sigma, large = rule_clauses(first, second)
    assert two_sigma.tolist() == [each["seed_rule_2sigma_pass"] for each in want]
    assert large.tolist() == [each["seed_rule_d_pass"] for each in want]


@pytest.mark.parametrize("case", ORACLE["multiplicity"])
def test_multiplicity(case):
    assert stats.holm(case["p"]) == close(case["holm"])
    assert stats.benjamini_hochberg(case["p"]) == close(case["bh"])


@pytest.mark.parametrize("case", ORACLE["power"])
def test_seeds_needed(case):
    paired = case["kind"] == "paired_dz"
    noise = stats.NoiseModel(
        sd=math.sqrt(0.5) if paired else 1.0, df=1, method="own", rho=0.0, paired=paired
    )
    sides, alpha = case["alternative"].removesuffix("-sided"), case["alpha"]
    n = stats.seeds_needed(case["effect"], noise, alpha, case["target"], sides=sides)
    assert n == case["n"]
    at_n, before = (
        power_at(case["effect"], seeds, noise, alpha, sides=sides) for seeds in (n, n - 1)
    )
    # Two-sided, the oracle counts the other tail as well: a harm of 1e-6 is no find.
    assert (at_n, before) == close((case["power_at_n"], case["power_at_n_minus_1"]), rel=3e-6)


@pytest.mark.parametrize("df", ORACLE["J"])
def test_hedges_correction(df):
    assert stats.hedges_correction(int(df)) == close(ORACLE["J"][df]["exact"])


@pytest.mark.parametrize("case", ORACLE["moderated_t"], ids=lambda case: case["name"])
def test_moderated(case):
    ideas = case["ideas"]
    prior = stats.fit_variance_prior([i["s2"] for i in ideas], [2] * len(ideas))
    assert math.isinf(prior.d0)
    assert prior.s0_squared == close(case["s0_sq"])
    baseline = {42: 3.0, 137: 3.01, 256: 2.99}
    arms = {
        str(k): {s: b - d for (s, b), d in zip(baseline.items(), i["diffs"], strict=True)}
        for k, i in enumerate(ideas)
    }
    found = stats.compare_campaign(baseline, arms, method="moderated", adjust="none")
    for comparison, want in zip(found, ideas, strict=True):
        assert comparison.design == "moderated"
        assert comparison.df == want["df_total"]
        assert comparison.improvement / comparison.standard_error == close(want["t"], rel=1e-8)
        assert comparison.p == close(want["p_improve"], rel=1e-8)
        assert comparison.ci == close(want["ci95"], rel=1e-8)


@pytest.mark.parametrize("case", ORACLE["evalue"])
def test_e_value(case):
    differences = [case["S"] / case["n"]] * case["n"]
    one = stats.e_value(differences, 1.0, case["tau"])
    two = stats.e_value(differences, 1.0, case["tau"], alternative="two-sided")
    assert (one, two) == close((case["one_sided"], case["two_sided"]))


@pytest.mark.parametrize("case", ORACLE["mde"])
def test_detectable_effect(case):
    noise = stats.NoiseModel(
        sd=math.sqrt(0.5),
        df=case["df"],
        method="own" if case["df_source"] == "own" else "block",
        rho=0.0,
        paired=True,
    )
    found = stats.minimal_detectable_effect(
        case["n"], noise, case["alpha_one_sided"], case["power"], sides="one"
    )
    assert found == close(case["mde_in_sd_of_diff"], rel=1e-8)


def test_power_in_25_digits():
    """Where the oracle keeps eight digits: the same integrals by mpmath."""
    two_sample = stats.NoiseModel(sd=1.0, df=1, method="own")
    power = power_at(0.5, 64, two_sample, sides="two")
    assert power == pytest.approx(0.8014595579222541, rel=2e-6)
    pooled = stats.NoiseModel(sd=math.sqrt(0.5), df=20, rho=0.0, paired=True, method="block")
    assert power_at(1.820887026969931, 2, pooled, sides="one") == pytest.approx(0.8, rel=1e-12)


def test_block_dunnett():
    case = ORACLE["block_dunnett"]
    ideas = {str(k): keyed(idea) for k, idea in enumerate(case["ideas"])}
    block = fit_block(np.array([case["baseline"], *case["ideas"]], dtype=float))
    assert (block.ms_residual, block.df) == close((case["ms_resid"], case["df"]))
    found = stats.compare_campaign(keyed(case["baseline"]), ideas, method="block", sides="one")
    assert {(c.design, c.df) for c in found} == {("block", case["df"])}
    assert [c.improvement / c.standard_error for c in found] == close(case["t"])
    assert [c.p for c in found] == close(case["p_unadjusted_one_sided"])
    # The oracle's own quadrature is good to 1e-6 absolute; the first p was redone with mpmath.
    adjusted = [c.p_adjusted for c in found]
    assert adjusted == pytest.approx(case["p_dunnett_one_sided"], abs=1e-6)
    assert stats.dunnett_tail(5.937006128972383, m=4, df=8) == close(0.0005738691335349006)
    critical = stats.dunnett_critical_value(0.05, m=4, df=8)
    assert critical == close(case["crit_one_sided_05"], rel=2e-6)
    assert stats.dunnett_tail(critical, m=4, df=8) == close(0.05)


@pytest.mark.parametrize("case", ORACLE["edge_cases"], ids=lambda case: case["name"])
def test_edge_cases(case):
    want = case["expect"]
    baseline, idea = keyed(map(float, case["baseline"])), keyed(map(float, case["idea"]))
    facts = stats.compare(baseline, idea).to_dict()
    if "verdict" in want:
        assert facts["verdict"] == want["verdict"]
    if "subtype" in want:
        assert facts["kind"] == want["subtype"]
        assert facts["diverged"] == want["n_diverged_idea"]
        assert facts["improvement"] is None
    if "improvement" in want:
        assert facts["improvement"] == close(want["improvement"])
    for ours, theirs in (
        ("cohens_d", "cohen_d"),
        ("cohens_dz", "cohen_dz"),
        ("p", "p"),
        ("p_paired", "paired_p"),
    ):
        if theirs in want:
            assert facts[ours] == (None if want[theirs] is None else close(want[theirs]))
    if want.get("seed_rule") == "undefined":
        assert facts["seed_rule"]["passed"] is None
