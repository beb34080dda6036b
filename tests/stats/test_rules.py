"""The rules on campaigns of losses: they decide as their functions do, and err as stated."""

import math

import numpy as np
import pytest

from audition.stats import NoiseModel, compare, seed_rule
from audition.stats.proportion import independent_trials, wilson_interval
from audition.stats.rules import (
    BETTER,
    MISSES,
    PASSED,
    RULES,
    SUPPORTED,
    TUNED,
    Campaign,
    Entry,
    Terms,
    by_card,
    by_family,
    by_race,
    by_tuned,
    by_verdict,
)

SCREENING, FRESH = (1, 2, 3), (4, 5, 6, 7, 8)


def drawn(number: int, *, ideas: int = 3, rho: float = 0.4, tries: int = 1) -> Campaign:
    rng = np.random.default_rng(number)
    shared = math.sqrt(rho) * rng.normal(size=8)

    def entry() -> Entry:
        own = shared + math.sqrt(1 - rho) * rng.normal(size=(tries, 8))
        return Entry(
            tuple(dict(zip((*SCREENING, *FRESH), map(float, x), strict=True)) for x in own)
        )

    return Campaign(entry(), tuple(entry() for _ in range(ideas)), SCREENING, FRESH)


def test_the_verdict_and_the_card_are_those_of_a_single_comparison() -> None:
    for number in range(20):
        campaign = drawn(number).planted(2.0)
        base = campaign.baseline.on(SCREENING)
        for idea, card, verdict in zip(
            campaign.ideas, by_card(campaign, Terms()), by_verdict(campaign, Terms()), strict=True
        ):
            alone = compare(base, idea.on(SCREENING))
            assert verdict[SUPPORTED] == (alone.verdict == "supported")
            assert verdict[BETTER] == alone.is_better
            assert verdict[MISSES] == (alone.ci[0] > 0 or alone.ci[1] < 0)
            assert card[PASSED] == bool(seed_rule(base, idea.on(SCREENING)).passed)


def test_a_gain_in_one_idea_leaves_the_others_as_they_were() -> None:
    campaign = drawn(3)
    planted = campaign.planted(40.0, only=1)
    assert planted.ideas[0] == campaign.ideas[0]
    for rule in (by_family, by_race):
        found = [idea[SUPPORTED] for idea in rule(planted, Terms())]
        assert found[1]
        assert not found[0]
        assert not found[2]


def test_a_race_drops_what_is_worse_on_the_first_seed() -> None:
    campaign = drawn(5)
    better = campaign.planted(40.0)
    late = [{**idea.tries[0], 1: campaign.baseline.tries[0][1] + 1.0} for idea in better.ideas]
    losing = Campaign(campaign.baseline, tuple(Entry((x,)) for x in late), SCREENING, FRESH)
    assert not any(idea[SUPPORTED] for idea in by_race(losing, Terms()))
    assert all(idea[SUPPORTED] for idea in by_race(better, Terms()))


def test_a_run_that_diverged_passes_nothing() -> None:
    campaign = drawn(7).planted(40.0)
    broken = [{**campaign.ideas[0].tries[0], 2: math.nan, 6: math.nan}]
    campaign = Campaign(
        campaign.baseline, (Entry(tuple(broken)), *campaign.ideas[1:]), SCREENING, FRESH
    )
    for rule in RULES:
        first, *others = rule.decide(campaign, Terms())
        assert not any(made for name, made in first.items() if name != MISSES)
        assert all(others[0].values())


def test_each_side_is_tuned_on_the_screening_seeds_alone() -> None:
    plain = dict.fromkeys((*SCREENING, *FRESH), 1.0)
    lucky = {**plain, **dict.fromkeys(SCREENING, 0.5)}
    assert Entry((plain, lucky)).best(SCREENING) == 1
    assert Entry((plain, plain)).best(SCREENING) == 0
    assert Entry((plain, {**lucky, 1: math.nan})).best(SCREENING) == 0
    campaign = drawn(11, tries=3)
    for idea, found in zip(campaign.ideas, by_tuned(campaign, Terms()), strict=True):
        base = campaign.baseline
        alone = compare(base.on(FRESH, base.best(SCREENING)), idea.on(FRESH, idea.best(SCREENING)))
        assert found[SUPPORTED] == (alone.verdict == "supported")


def test_what_is_stated_without_and_with_a_gain() -> None:
    campaign, noise = drawn(0), NoiseModel(sd=1.0, df=2, rho=0.4, paired=True)
    stated = {
        (rule.name, decision, gain): rule.stated(decision, gain, campaign, noise, Terms())
        for rule in RULES
        for decision in rule.decisions
        for gain in (0.0, 2.0)
    }
    assert stated["the verdict", MISSES, 0.0].rate == pytest.approx(0.05)
    assert stated["the verdict", BETTER, 0.0].rate == pytest.approx(0.025)
    assert not stated["the verdict", BETTER, 0.0].at_most
    assert stated["the verdict", SUPPORTED, 0.0].at_most
    assert stated["the family", BETTER, 0.0].at_most
    assert math.isnan(stated["the race", SUPPORTED, 2.0].rate)
    verdict, family, tuned = (
        stated[name, BETTER, 2.0].rate for name in ("the verdict", "the family", TUNED)
    )
    assert family < verdict < tuned < 1.0


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_the_rules_err_on_normal_losses_as_they_state(rho: float) -> None:
    many = [drawn(number, rho=rho, tries=2) for number in range(800)]
    noise = NoiseModel(sd=1.0, df=2, rho=rho, paired=True)
    for rule in RULES:
        for gain in (0.0, 1.0):
            decided = [rule.decide(c.planted(gain) if gain else c, Terms()) for c in many]
            for decision in rule.decisions:
                stated = rule.stated(decision, gain, many[0], noise, Terms(sesoi=None))
                if (rule.family and gain) or math.isnan(stated.rate):
                    continue
                each = 1 if rule.family else 3
                made = [sum(i[decision] for i in ideas) for ideas in decided]
                made = [min(1, k) for k in made] if rule.family else made
                trials = independent_trials(made, each)
                share = sum(made) / each / len(made)
                low, high = wilson_interval(share * trials, trials, level=0.999)
                assert low <= stated.rate + 1e-9, (rule.name, decision, gain)
                assert stated.at_most or stated.rate <= high + 0.02, (rule.name, decision, gain)


def test_clusters_of_equal_luck_count_once_and_independent_ones_each() -> None:
    rng = np.random.default_rng(0)
    together = [5 * int(x) for x in rng.random(200) < 0.3]
    apart = [int(x) for x in (rng.random((200, 5)) < 0.3).sum(1)]
    assert independent_trials(together, 5) == pytest.approx(200, rel=0.02)
    assert 700 < independent_trials(apart, 5) <= 1000
    assert independent_trials([0, 0, 0], 5) == 3
    with pytest.raises(ValueError, match="0 clusters"):
        independent_trials([], 5)


@pytest.mark.parametrize(("campaigns", "least"), [(8, 0.93), (60, 0.92)])
def test_the_interval_of_clusters_covers_as_often_as_it_says(campaigns: int, least: float) -> None:
    """Campaigns of five comparisons that share a baseline, few of them or many."""
    rng, covered = np.random.default_rng(1), 0
    z = rng.normal(size=(800, campaigns, 1)) * 0.7
    z = z + rng.normal(size=(800, campaigns, 5)) * math.sqrt(0.51)
    for study in (z > 0.5).sum(-1):
        made = study.tolist()
        trials = independent_trials(made, 5)
        share = sum(made) / campaigns / 5
        low, high = wilson_interval(share * trials, trials)
        covered += low <= 0.30854 <= high
    assert least <= covered / 800 <= 0.99
