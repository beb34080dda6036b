"""Every rule of the house on one campaign of losses: what each of them decides about each idea.

The same functions decide here as in a sweep, a race and a tuned comparison, so that a rule can be
tried on runs that were made for it (by `audition calibrate`) or drawn at random.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from audition.stats.arms import Seed
from audition.stats.compare import compare_campaign
from audition.stats.comparison import Comparison
from audition.stats.distributions import Sides, side_of
from audition.stats.noise import NoiseModel
from audition.stats.pass_rate import seed_rule_pass_rate
from audition.stats.power import power_at
from audition.stats.seed_rule import seed_rule
from audition.stats.sequential import RaceRules, judge_finalists, race_spread, race_step

Runs = Mapping[Seed, float]
"""Seed -> loss; not-a-number for a run that diverged."""
Decided = Mapping[str, bool]
"""Decision -> whether the rule made it about one idea."""
MISSES, BETTER, SUPPORTED, PASSED = "misses zero", "better", "supported", "passed"


@dataclass(frozen=True)
class Entry:
    """An arm of a campaign, at each value of the key that a tuned comparison chooses from."""

    tries: tuple[Runs, ...]  # as it comes first; the others are empty without tuning

    def on(self, seeds: Sequence[Seed], tried: int = 0) -> Runs:
        """Its losses on some seeds, as it comes or at another value."""
        return {seed: self.tries[tried][seed] for seed in seeds}

    def better_by(self, gain: float) -> "Entry":
        """The same with `gain` (loss units) planted: taken off every loss."""
        return Entry(tuple({seed: x - gain for seed, x in runs.items()} for runs in self.tries))

    def best(self, seeds: Sequence[Seed]) -> int:
        """The least mean loss over `seeds`, the default where it is as good; as `tune=` chooses."""
        means = [fmean(runs[seed] for seed in seeds) for runs in self.tries]
        return min(
            range(len(means)), key=lambda k: means[k] if math.isfinite(means[k]) else math.inf
        )


@dataclass(frozen=True)
class Campaign:
    """One baseline and its ideas on the same seeds."""

    baseline: Entry
    ideas: tuple[Entry, ...]
    screening: tuple[Seed, ...]
    fresh: tuple[Seed, ...]

    def planted(self, gain: float, *, only: int | None = None) -> "Campaign":
        """The same with a gain (loss units) planted in all ideas, or in one of them."""
        ideas = tuple(
            idea.better_by(gain) if only in (None, k) else idea for k, idea in enumerate(self.ideas)
        )
        return replace(self, ideas=ideas)


@dataclass(frozen=True)
class Terms:
    """By what a campaign is judged; `sesoi` in loss units, one pooled seed sd by default."""

    alpha: float = 0.05
    sides: Sides = "two"
    sesoi: float | None = None


@dataclass(frozen=True)
class Stated:
    """The rate at which a rule should make a decision; a ceiling where it is only not to exceed it."""

    rate: float
    at_most: bool = False


NOT_STATED = Stated(math.nan)


@dataclass(frozen=True)
class Rule:
    """One rule, its decisions, and the rates that it states for them.

    family: whether it judges the ideas of a campaign together, so that its error is that of any.
    stated: of (decision, true gain in seed sds, campaign, noise, terms).
    """

    name: str
    decisions: tuple[str, ...]
    family: bool
    decide: Callable[[Campaign, Terms], list[Decided]]
    stated: Callable[[str, float, Campaign, NoiseModel, Terms], Stated]


def by_card(campaign: Campaign, terms: Terms) -> list[Decided]:
    """The card's rule on the screening seeds."""
    baseline = campaign.baseline.on(campaign.screening)
    each = (seed_rule(baseline, idea.on(campaign.screening)) for idea in campaign.ideas)
    return [{PASSED: bool(rule.passed)} for rule in each]


def by_verdict(campaign: Campaign, terms: Terms) -> list[Decided]:
    """Each idea as the only one, on the screening seeds."""
    baseline = campaign.baseline.on(campaign.screening)
    return [
        _decided(_compared(baseline, [idea.on(campaign.screening)], terms)[0])
        for idea in campaign.ideas
    ]


def by_family(campaign: Campaign, terms: Terms) -> list[Decided]:
    """All ideas together on the screening seeds, as a leaderboard judges them."""
    seeds = campaign.screening
    ideas = [idea.on(seeds) for idea in campaign.ideas]
    return [_decided(c) for c in _compared(campaign.baseline.on(seeds), ideas, terms)]


def by_race(campaign: Campaign, terms: Terms) -> list[Decided]:
    """What survives the screening, on the fresh seeds; the baseline runs all from the start."""
    baseline = campaign.baseline.tries[0]
    rules = RaceRules(screening_seeds=campaign.screening, fresh_seeds=len(campaign.fresh))
    alive = list(range(len(campaign.ideas)))
    for seeds in (campaign.screening[:1], campaign.screening):
        run = {str(k): idea.on(seeds) for k, idea in enumerate(campaign.ideas)}
        spread = race_spread(baseline, run)
        alive = [
            k
            for k in alive
            if race_step(
                [baseline[seed] - run[str(k)][seed] for seed in seeds],
                sd_difference=spread,
                rules=rules,
            ).action
            != "drop"
        ]
    decided: list[Decided] = [dict.fromkeys((BETTER, SUPPORTED), False) for _ in campaign.ideas]
    if alive:
        judged = judge_finalists(
            campaign.baseline.on(campaign.fresh),
            {str(k): campaign.ideas[k].on(campaign.fresh) for k in alive},
            **vars(terms),
        )
        for k, comparison in zip(alive, judged, strict=True):
            decided[k] = _decided(comparison)
    return decided


def by_tuned(campaign: Campaign, terms: Terms) -> list[Decided]:
    """Each idea at its best of the screening seeds, against the baseline at its own, on fresh ones."""
    base = campaign.baseline.best(campaign.screening)
    baseline = campaign.baseline.on(campaign.fresh, base)
    return [
        _decided(
            _compared(baseline, [idea.on(campaign.fresh, idea.best(campaign.screening))], terms)[0]
        )
        for idea in campaign.ideas
    ]


def _compared(baseline: Runs, ideas: Sequence[Runs], terms: Terms) -> list[Comparison]:
    named = {str(k): idea for k, idea in enumerate(ideas)}
    return compare_campaign(baseline, named, detail=False, **vars(terms))


def _decided(c: Comparison) -> Decided:
    low, high = c.ci
    return {
        MISSES: low > 0.0 or high < 0.0,
        BETTER: c.is_better,
        SUPPORTED: c.verdict == "supported",
    }


def of_card(decision: str, gain: float, campaign: Campaign, noise: NoiseModel, _: Terms) -> Stated:
    """Exact for normal losses."""
    return Stated(seed_rule_pass_rate(gain, len(campaign.screening), rho=_within(noise.rho)))


def of_verdict(
    decision: str, gain: float, campaign: Campaign, noise: NoiseModel, terms: Terms
) -> Stated:
    """One idea on the screening seeds."""
    return _stated(decision, gain, len(campaign.screening), noise, terms, family=1)


def of_family(
    decision: str, gain: float, campaign: Campaign, noise: NoiseModel, terms: Terms
) -> Stated:
    """All ideas on the screening seeds; without a gain, that any of them gets the decision."""
    n, family = len(campaign.screening), len(campaign.ideas)
    return _stated(decision, gain, n, noise, terms, family=family)


def of_race(decision: str, gain: float, campaign: Campaign, _: NoiseModel, terms: Terms) -> Stated:
    """The error of the finalists is a ceiling; the power of a race is not promised anywhere."""
    return NOT_STATED if gain else Stated(side_of(terms.alpha, terms.sides), at_most=True)


def of_tuned(
    decision: str, gain: float, campaign: Campaign, noise: NoiseModel, terms: Terms
) -> Stated:
    """One idea on the fresh seeds."""
    return _stated(decision, gain, len(campaign.fresh), noise, terms, family=1)


def _stated(
    decision: str, gain: float, n: int, noise: NoiseModel, terms: Terms, *, family: int
) -> Stated:
    if not gain:
        two = 1.0 - 2.0 * side_of(terms.alpha, terms.sides)
        rate = 1.0 - two if decision == MISSES else side_of(terms.alpha, terms.sides)
        return Stated(rate, at_most=family > 1 or decision == SUPPORTED)
    if decision == MISSES:
        return NOT_STATED
    own = replace(
        noise,
        df=family * (n - 1),
        method="own" if family == 1 else "block",
        arm_sds={str(k): noise.sd for k in range(family + 1)},
        paired=True,
    )
    worth = 0.0 if decision == BETTER else terms.sesoi or noise.sd
    how = {"sides": terms.sides, "family_size": family, "sesoi": worth}
    return Stated(power_at(gain * noise.sd, n, own, terms.alpha, **how))  # type: ignore[arg-type]


def _within(rho: float) -> float:
    return 0.0 if math.isnan(rho) else min(max(rho, -0.99), 0.99)


CARD, VERDICT = "the card's rule", "the verdict"
TUNED = "the tuned comparison"
"""The rule that needs campaigns whose arms were tried at several values of a key."""

RULES = (
    Rule(CARD, (PASSED,), False, by_card, of_card),
    Rule(VERDICT, (MISSES, BETTER, SUPPORTED), False, by_verdict, of_verdict),
    Rule("the family", (MISSES, BETTER, SUPPORTED), True, by_family, of_family),
    Rule("the race", (BETTER, SUPPORTED), True, by_race, of_race),
    Rule(TUNED, (MISSES, BETTER, SUPPORTED), False, by_tuned, of_tuned),
)
