"""Arms of many runs: the exact count of ranks gives way to its limit, which it meets."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from audition.stats import ranks
from audition.stats.ranks import mann_whitney


def test_the_limit_meets_the_exact_test_and_scipys(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(3)
    base = tuple(noise.normal(size=50))
    idea = tuple(np.round(noise.normal(-0.3, size=50), 1))  # with ties
    exact = mann_whitney(base, idea)
    monkeypatch.setattr(ranks, "EXACT", 10)
    limit = mann_whitney(base, idea)
    assert limit.statistic == exact.statistic
    assert limit.p == pytest.approx(exact.p, abs=2e-3)
    assert limit.p_two_sided == pytest.approx(exact.p_two_sided, abs=4e-3)
    theirs = mannwhitneyu(base, idea, alternative="greater", method="asymptotic")
    assert limit.p == pytest.approx(theirs.pvalue, rel=1e-9)


def test_many_runs_and_runs_that_all_tie() -> None:
    many = tuple(float(loss) for loss in range(1000))
    assert mann_whitney(many, many).p == pytest.approx(0.5, abs=0.01)
    assert mann_whitney((1.0,) * 80, (1.0,) * 80).p == 1.0
