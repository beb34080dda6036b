"""Other people's implementations, where their traps do not bite."""

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats as scipy_stats

from audition import stats
from audition.stats.distributions import noncentral_t_tail, noncentrality_interval
from audition.stats.power import power_at
from audition.stats.variances import inverse_trigamma

RNG = np.random.default_rng(3)
FIRST = (RNG.normal(size=7) * 0.02 + 3.3).tolist()
SECOND = (RNG.normal(size=7) * 0.03 + 3.28).tolist()


@pytest.mark.parametrize("df", [1, 2, 2.7, 5, 9, 20, 33.3, 200])
@pytest.mark.parametrize("nc", [-3.0, 0.0, 1.0, 5.0, 13.0, 25.0])
def test_noncentral_t(df, nc):
    for t in (-2.0, 0.0, 0.5, 2.0, 13.0, 30.0):
        theirs = scipy_stats.nct.cdf(t, df, nc)
        if not math.isnan(theirs):  # scipy gives up in some far tails
            assert 1 - noncentral_t_tail(t, df, nc) == pytest.approx(theirs, rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("t", [-40.0, -3.0, 0.0, 0.3, 5.3, 300.0])
@pytest.mark.parametrize("df", [1, 2, 4, 50])
def test_noncentrality_interval_covers_its_own_tails(t, df):
    low, high = noncentrality_interval(t, df)
    assert low < high
    assert noncentral_t_tail(t, df, low) == pytest.approx(0.025, rel=1e-9)
    assert noncentral_t_tail(t, df, high) == pytest.approx(0.975, rel=1e-9)


def test_t_tests_agree_with_scipy():
    for ours, theirs in (
        (stats.welch_t(FIRST, SECOND), scipy_stats.ttest_ind(FIRST, SECOND, equal_var=False)),
        (stats.pooled_t(FIRST, SECOND[:4]), scipy_stats.ttest_ind(FIRST, SECOND[:4])),
        (stats.paired_t(FIRST, SECOND), scipy_stats.ttest_rel(FIRST, SECOND)),
    ):
        assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9)
        assert ours.p_two_sided == pytest.approx(theirs.pvalue, rel=1e-9)
        interval = theirs.confidence_interval()
        assert ours.ci() == pytest.approx((interval.low, interval.high), rel=1e-9)


def test_exact_tests_agree_with_scipy():
    ours = stats.mann_whitney(FIRST, SECOND)
    theirs = scipy_stats.mannwhitneyu(FIRST, SECOND, alternative="greater", method="exact")
    assert (ours.statistic, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue))


def test_tied_ranks_agree_with_enumeration():
    first, second = [3.0, 3.1, 3.1], [2.9, 3.0, 3.0]
    theirs = scipy_stats.permutation_test(
        (first, second),
        lambda a, b: scipy_stats.rankdata(np.concatenate([a, b]))[: len(a)].sum(),
        alternative="greater",
        vectorized=False,
    )
    assert stats.mann_whitney(first, second).p == pytest.approx(theirs.pvalue)


def test_dunnett_agrees_with_scipy_on_unpaired_arms():
    arms = [RNG.normal(size=6).tolist() for _ in range(4)]
    baseline = RNG.normal(size=6).tolist()
    noise = stats.estimate_noise({"baseline": baseline, **dict(enumerate(arms))}, method="pooled")
    found = stats.compare_campaign(
        baseline, {str(k): a for k, a in enumerate(arms)}, noise=noise, sides="one"
    )
    theirs = scipy_stats.dunnett(
        *arms, control=baseline, alternative="less", random_state=np.random.default_rng(0)
    )
    assert [c.p_adjusted for c in found] == pytest.approx(theirs.pvalue, abs=2e-3)


def test_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = RNG.uniform(size=12).tolist()
    assert stats.holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1])
    assert stats.benjamini_hochberg(p) == pytest.approx(
        multitest.multipletests(p, method="fdr_bh")[1]
    )
    power = pytest.importorskip("statsmodels.stats.power")
    noise = stats.NoiseModel(sd=1.0, df=1, method="own")
    theirs = power.TTestIndPower().power(1.2, 5, 0.05, alternative="larger")
    assert power_at(1.2, 5, noise, sides="one") == pytest.approx(theirs, rel=1e-8)
    weights = pytest.importorskip("statsmodels.stats.weightstats")
    found = stats.compare(*(dict(enumerate(arm)) for arm in (FIRST, SECOND)), sesoi=0.05)
    # At the ends of the interval both one-sided tests of equivalence reject at 2.5 %.
    reach = max(map(abs, found.ci))
    theirs = weights.ttost_paired(np.array(FIRST), np.array(SECOND), -reach, reach)[0]
    assert theirs == pytest.approx(0.025, rel=1e-9)


def test_pingouin():
    pingouin = pytest.importorskip("pingouin")
    assert stats.cohens_d(FIRST, SECOND) == pytest.approx(
        pingouin.compute_effsize(FIRST, SECOND, eftype="cohen")
    )
    frame = pingouin.ttest(FIRST, SECOND, paired=True, alternative="greater")
    column = "p_val" if "p_val" in frame else "p-val"
    assert stats.paired_t(FIRST, SECOND).p == pytest.approx(float(frame[column].iloc[0]))


def test_inverse_trigamma_and_a_finite_prior():
    from scipy.special import polygamma

    for value in (1e-3, 0.1, 1.0, 30.0):
        assert polygamma(1, inverse_trigamma(value)) == pytest.approx(value, rel=1e-10)
    rng = np.random.default_rng(5)
    true = 0.5 * 4 / rng.chisquare(4, size=4000)  # d0 = 4, s0^2 = .5
    observed = true * rng.chisquare(2, size=4000) / 2
    prior = stats.fit_variance_prior(observed.tolist(), [2] * 4000)
    assert prior.d0 == pytest.approx(4, rel=0.25)
    assert prior.s0_squared == pytest.approx(0.5, rel=0.1)


def test_importing_the_room_is_light():
    code = (
        "import sys, audition.stats;"
        "heavy = {'scipy.stats', 'scipy.optimize', 'pandas', 'torch'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
