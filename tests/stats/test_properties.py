"""Laws that hold for any losses: signs, order of seeds, shift and scale."""

import itertools
import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audition import stats

LOSS = st.integers(-1000, 1000).map(lambda k: 3.0 + k / 1024)
PAIRS = st.lists(st.tuples(LOSS, LOSS), min_size=3, max_size=6)
quick = settings(max_examples=40, deadline=None)


def arms(pairs):
    baseline = {seed: b for seed, (b, _) in enumerate(pairs)}
    idea = {seed: i for seed, (_, i) in enumerate(pairs)}
    assume(len(set(baseline.values())) > 1 and len(set(idea.values())) > 1)
    assume(len({b - i for b, i in pairs}) > 1)
    return baseline, idea


@quick
@given(PAIRS)
def test_every_number_changes_sign_when_the_arms_swap(pairs):
    baseline, idea = arms(pairs)
    there, back = stats.compare(baseline, idea), stats.compare(idea, baseline)
    for name in ("improvement", "cohens_d", "hedges_g", "cohens_dz", "cohens_dav"):
        assert getattr(there, name) == pytest.approx(-getattr(back, name), abs=1e-12)
    assert there.p == pytest.approx(1 - back.p, abs=1e-12)
    assert there.ci == pytest.approx((-back.ci[1], -back.ci[0]), abs=1e-12)
    assert there.cohens_dz_ci[0] == pytest.approx(-back.cohens_dz_ci[1], rel=1e-7, abs=1e-9)


@quick
@given(PAIRS, st.floats(0.01, 5.0))
def test_a_better_idea_has_positive_effects_throughout(pairs, gain):
    baseline, _ = arms(pairs)
    idea = {seed: x - gain - 0.001 * (seed % 2) for seed, x in baseline.items()}
    found = stats.compare(baseline, idea)
    effects = (found.improvement, found.cohens_d, found.hedges_g, found.glass_delta)
    assert all(effect > 0 for effect in (*effects, found.cohens_dz, found.cohens_dav))
    assert found.wins == len(baseline)
    assert found.p < 0.5
    assert found.p_welch < 0.5
    assert found.p_mann_whitney <= 0.5


@quick
@given(PAIRS, st.randoms())
def test_order_of_seeds_is_irrelevant(pairs, random):
    baseline, idea = arms(pairs)
    shuffled = list(idea.items())
    random.shuffle(shuffled)
    assert stats.compare(baseline, dict(shuffled)) == stats.compare(baseline, idea) or all(
        math.isnan(x) for x in stats.compare(baseline, idea).rho_ci
    )


@quick
@given(PAIRS, st.sampled_from([-8.0, 4.0, 64.0]), st.sampled_from([0.25, 2.0, 16.0]))
def test_shift_changes_nothing_and_scale_scales(pairs, shift, scale):
    baseline, idea = arms(pairs)
    moved = [{s: scale * x + shift for s, x in arm.items()} for arm in (baseline, idea)]
    before, after = stats.compare(baseline, idea), stats.compare(*moved)
    assert after.improvement == pytest.approx(scale * before.improvement)
    assert after.ci == pytest.approx([scale * x for x in before.ci])
    assert after.mde == pytest.approx(scale * before.mde)
    for name in ("p", "p_welch", "cohens_d", "cohens_dz", "rho"):
        assert getattr(after, name) == pytest.approx(getattr(before, name), rel=1e-7, abs=1e-9)
    assert (after.verdict, after.kind) == (before.verdict, before.kind)
    assert after.seed_rule.passed == before.seed_rule.passed


@quick
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_adjusted_p_are_ordered_and_never_smaller(p):
    adjusted, screened = stats.holm(p), stats.benjamini_hochberg(p)
    assert all(
        a >= b - 1e-15 >= raw - 2e-15 for a, b, raw in zip(adjusted, screened, p, strict=True)
    )
    order = sorted(range(len(p)), key=p.__getitem__)
    assert all(adjusted[i] <= adjusted[j] for i, j in itertools.pairwise(order))
