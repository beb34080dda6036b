"""How often each rule passed placebos that were trained for it, and found gains planted in them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audition.answers.arms import ArmRuns
from audition.answers.placebo_campaigns import (
    campaigns,
    mean_gain,
    noise_of_placebos,
    shape_of,
    table_of,
)
from audition.errors import AuditionError
from audition.measure import Measure
from audition.records.placebos import PLACEBOS, PlaceboCampaigns
from audition.stats import NoiseModel
from audition.stats.comparison import json_ready
from audition.stats.distributions import Sides
from audition.stats.proportion import independent_trials, wilson_interval
from audition.stats.redrawn import redraw
from audition.stats.rules import (
    BETTER,
    CARD,
    PASSED,
    RULES,
    SUPPORTED,
    TUNED,
    VERDICT,
    Campaign,
    Decided,
    Rule,
    Terms,
)

GAINS = (0.5, 1.0, 2.0)
"""Planted, in seed sds."""
DRAWN = {CARD: (PASSED,), VERDICT: (BETTER, SUPPORTED)}
"""Decisions that are tried on drawn seeds too."""


@dataclass(frozen=True)
class Passed:
    """How often a rule made a decision, with its 95 % interval, beside the rate that it states.

    gain: planted in every placebo, in seed sds; 0 for placebos as they are.
    trials: comparisons, or campaigns where the rule judges ideas together and none has a gain.
    independent: how many independent trials they are worth; not-a-number for drawn ones.
    drawn: whether the comparisons are on seeds drawn from those of all campaigns, any arm as the
        baseline, and not on the campaigns' own.
    """

    rule: str
    decision: str
    gain: float
    trials: int
    independent: float
    share: float
    interval: tuple[float, float]
    stated: float
    at_most: bool
    drawn: bool = False

    @property
    def inside(self) -> bool | None:
        """Whether the interval allows the stated rate; None where nothing is stated."""
        low, high = self.interval
        if math.isnan(self.stated):
            return None
        return low <= self.stated and (self.at_most or self.stated <= high)

    @property
    def harmful(self) -> bool:
        """Whether it errs on the side that harms: false gains too often, or true ones too seldom."""
        high = self.interval[1]
        return self.inside is False and (not self.gain) == (high > self.stated)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return {**json_ready(self), "inside": self.inside, "harmful": self.harmful}


@dataclass(frozen=True)
class PlaceboRates:
    """What every rule did in the campaigns of placebos that have all of their runs."""

    layout: PlaceboCampaigns
    measure: Measure
    noise: NoiseModel
    terms: Terms
    whole: int  # campaigns with all runs
    diverged: int  # campaigns left out because a run of their baseline diverged
    shift: tuple[float, tuple[float, float]]  # mean gain of all placebos, with its 95 % interval
    shape: tuple[float, float]  # skewness and excess kurtosis of the losses; 0, 0 for normal ones
    rates: tuple[Passed, ...]

    @property
    def outside(self) -> tuple[Passed, ...]:
        """Rates whose interval excludes what is stated."""
        return tuple(rate for rate in self.rates if rate.inside is False)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        noise = self.noise
        return {
            **{k: v for k, v in asdict(self.layout).items() if k not in ("baseline", "placebos")},
            "placebos": len(self.layout.placebos),
            "whole_campaigns": self.whole,
            "left_out_as_diverged": self.diverged,
            **json_ready(self.terms),
            "noise": json_ready(
                {"sd": noise.sd, "rho": noise.rho, "rho_interval": noise.rho_interval}
            ),
            "mean_gain": json_ready(self.shift),
            "skewness": json_ready(self.shape[0]),
            "excess_kurtosis": json_ready(self.shape[1]),
            "rates": [rate.to_dict() for rate in self.rates],
        }


def layout_of(root: Path, baseline_hash: str | None = None) -> PlaceboCampaigns | None:
    """The campaigns of placebos in the ledger at `root`, of one recipe by the beginning of its hash."""
    found = [
        each
        for each in PLACEBOS.read(root)[0]
        if each.baseline_hash.startswith(baseline_hash or "")
    ]
    return found[-1] if found else None


def placebo_rates(
    arms: Mapping[str, ArmRuns],
    layout: PlaceboCampaigns,
    *,
    sesoi: float | None = None,
    alpha: float = 0.05,
    sides: Sides = "two",
    gains: Sequence[float] = GAINS,
    look: Callable[[str], None] = lambda rule: None,
) -> PlaceboRates:
    """Try every rule on each whole campaign of `layout`: as it is, and with gains planted.

    A gain is taken off the recorded losses of a placebo. Where ideas are judged together one of them
    has it, each in turn, and the others do nothing.

    look: called with the name of each rule before it is tried.
    Raises AuditionError where no campaign is whole, ValueError for what the statistics refuse.
    """
    arms = {key: arm.by(layout.metric) for key, arm in arms.items()}
    whole, diverged = campaigns(arms, layout)
    if not whole:
        raise AuditionError(
            f"no campaign of placebos of baseline {layout.baseline_hash[:8]} has all of its runs "
            "yet: the command that began them goes on"
        )
    measure = arms[layout.baseline_hash].measure
    terms = Terms(alpha, sides, measure.worth if sesoi is None else sesoi)
    noise = noise_of_placebos(whole)
    rates = []
    again = drawn(whole, (0.0, *gains), noise, terms)
    for rule in RULES:
        able = [c for c in whole if rule.name != TUNED or len(c.baseline.tries) > 1]
        if able:
            look(rule.name)
        for gain in (0.0, *gains) if able else ():
            rates += tried(rule, able, gain, noise, terms)
        rates += again.get(rule.name, ())
    return PlaceboRates(
        layout=layout,
        measure=measure,
        noise=noise,
        terms=terms,
        whole=len(whole),
        diverged=diverged,
        shift=mean_gain(whole),
        shape=shape_of(table_of(whole)),
        rates=tuple(rates),
    )


def tried(
    rule: Rule,
    whole: Sequence[Campaign],
    gain: float,
    noise: NoiseModel,
    terms: Terms,
) -> list[Passed]:
    """One rule on every campaign, all placebos with a gain of so many seed sds."""
    decided = [_decided(rule, campaign, gain * noise.sd, terms) for campaign in whole]
    together = rule.family and not gain
    each = 1 if together else len(whole[0].ideas)
    found = []
    for decision in rule.decisions:
        made = [sum(idea[decision] for idea in ideas) for ideas in decided]
        if together:
            made = [min(1, many) for many in made]
        independent = independent_trials(made, each)
        share = sum(made) / (each * len(made))
        stated = rule.stated(decision, gain, whole[0], noise, terms)
        found.append(
            Passed(
                rule=rule.name,
                decision=decision,
                gain=gain,
                trials=each * len(made),
                independent=independent,
                share=share,
                interval=wilson_interval(share * independent, independent),
                stated=stated.rate,
                at_most=stated.at_most,
            )
        )
    return found


def drawn(
    whole: Sequence[Campaign], gains: Sequence[float], noise: NoiseModel, terms: Terms
) -> dict[str, list[Passed]]:
    """Rules that judge one idea on the screening seeds, tried on any seeds of all campaigns."""
    losses, n = table_of(whole), len(whole[0].screening)
    found: dict[str, list[Passed]] = {}
    if not 2 <= n < losses.shape[1] // 2:
        return found
    made = {gain: redraw(losses, n, gain=gain * noise.sd, **vars(terms)) for gain in gains}
    for rule in RULES:
        for decision in DRAWN.get(rule.name, ()):
            for gain, each in made.items():
                share, interval = vars(each)[decision]
                stated = rule.stated(decision, gain, whole[0], noise, terms)
                found.setdefault(rule.name, []).append(
                    Passed(
                        rule=rule.name,
                        decision=decision,
                        gain=gain,
                        trials=each.comparisons,
                        independent=math.nan,
                        share=share,
                        interval=interval,
                        stated=stated.rate,
                        at_most=stated.at_most,
                        drawn=True,
                    )
                )
    return found


def _decided(rule: Rule, campaign: Campaign, gain: float, terms: Terms) -> list[Decided]:
    if not (gain and rule.family):
        return rule.decide(campaign.planted(gain) if gain else campaign, terms)
    return [
        rule.decide(campaign.planted(gain, only=k), terms)[k] for k in range(len(campaign.ideas))
    ]
