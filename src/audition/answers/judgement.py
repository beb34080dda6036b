"""One arm compared with its baseline: the statistics, the cost of both, and what would settle it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from audition.answers.arms import ArmRuns, other_arithmetic
from audition.answers.standing import Standing
from audition.measure import Measure
from audition.stats import Comparison, e_value
from audition.stats.arms import Seed
from audition.stats.claim import Claimed
from audition.stats.comparison import Weight, json_ready
from audition.stats.t_tests import paired_t, welch_t
from audition.stats.verdict import weighed

DEFAULT_TERMS = "at default settings"
"""The terms of a comparison of arms that were not tuned beforehand."""
SAME = 1e-9
"""Relative difference of two ratios that rounding explains."""


@dataclass(frozen=True)
class OtherMeasure:
    """Baseline and idea by one more measure; the gain is positive where the idea is better."""

    metric: str
    measure: Measure
    baseline: float  # means over seeds, in the measure's own direction and unit
    idea: float
    improvement: float
    ci: tuple[float, float]  # two-sided, of the same-seed differences where seeds are shared
    level: float

    def contradicts(self, improvement: float) -> bool:
        """Whether the interval excludes zero with the sign opposite to `improvement`."""
        low, high = self.ci
        return (improvement > 0 and high < 0) or (improvement < 0 and low > 0)


@dataclass(frozen=True)
class Judgement:
    """One arm compared with its baseline: the statistics, and the runs of both."""

    comparison: Comparison
    arm: ArmRuns
    baseline: ArmRuns
    standing: Standing
    sesoi_from: str = ""  # who says what gain counts
    of_plan: str = ""  # digest of the plan on whose runs alone it rests; empty for all that count
    claims: tuple[Claimed, ...] = ()  # what its runs say of what its plan claims, a cost each
    beside_claims: bool = False  # whether a plan that names it claims something, of whatever arm
    other: "Judgement | None" = None
    """Of the whole ledger: what its plan says on its own runs; of a plan: what the ledger says today.

    None where they say the same."""

    def differs(self, other: "Judgement") -> bool:
        """Whether another judgement of the arm has another verdict, other numbers or other runs."""

        def answer(judgement: "Judgement") -> tuple[object, ...]:
            c = judgement.comparison
            # Sums in another order of the arms round otherwise.
            numbers = (f"{x:.9g}" for x in (c.improvement, *c.ci))
            told = (c.verdict, c.kind, *numbers, c.n, c.n_baseline, c.tier)
            claimed = tuple((claim.cost, claim.word) for claim in judgement.claims)
            return (*told, judgement.standing.word, claimed)

        return answer(self) != answer(other)

    @property
    def notes(self) -> tuple[str, ...]:
        """Caveats about how the two arms were made, a sentence each."""
        said = other_arithmetic(self.arm, self.baseline)
        return (said,) if said else ()

    @property
    def measure(self) -> Measure:
        """How the metric is read that it was judged by."""
        return self.arm.measure

    @property
    def weight(self) -> Weight | None:
        """What it says of the claim of a registered report; None where it is no test of one."""
        standing = self.standing
        if standing.part != "confirmatory" or standing.expects is None:
            return None
        return weighed(self.comparison, standing.expects)

    @property
    def levels(self) -> tuple[float, float]:
        """The means of baseline and idea, in the measure's own direction and unit."""
        c, how = self.comparison, self.measure
        return how.as_loss(c.baseline_mean), how.as_loss(c.idea_mean)

    @cached_property
    def by_other_measures(self) -> tuple[OtherMeasure, ...]:
        """The same runs compared by the other measures of their task."""
        return by_other_measures(self.arm, self.baseline, self.comparison)

    @property
    def e_value(self) -> float | None:
        """The e-value of seeds that were added after a look, valid however often one looks.

        Reject "no gain" at level α once it reaches 1 / α. It needs a noise estimate that does not
        come from these seeds alone, so it is None without the shared noise of a campaign.
        """
        c = self.comparison
        if not self.standing.added_seeds or c.design not in ("block", "moderated"):
            return None
        pairs = [(self.baseline.losses[seed], self.arm.losses[seed]) for seed in c.seeds]
        gains = [theirs - ours for theirs, ours in pairs if theirs is not None and ours is not None]
        return e_value(gains, c.standard_error * math.sqrt(c.n)) if c.standard_error > 0 else None

    @property
    def runs_to_settle(self) -> int | None:
        """Runs still missing until an effect of the size that matters would show, or None."""
        needed = self.comparison.seeds_needed
        if needed is None:
            return None
        return sum(max(0, needed - len(side.losses)) for side in (self.arm, self.baseline))

    @property
    def seconds_to_settle(self) -> float | None:
        """Processor time of those runs, by the ledger's own timings."""
        needed = self.comparison.seeds_needed
        if needed is None:
            return None
        sides = (self.arm, self.baseline)
        return sum(max(0, needed - len(s.losses)) * s.mean("seconds") for s in sides)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: the comparison's own names, and cost, family and what would settle it."""
        before, after = self.levels
        facts = {
            "baseline_mean": before,
            "idea_mean": after,
            "config_hash": self.arm.config_hash,
            "baseline_hash": self.baseline.config_hash,
            "cost": {
                side: {
                    fact: runs.mean(fact)
                    for fact in ("seconds", "units", "forward_passes", "backward_passes")
                }
                for side, runs in (("baseline", self.baseline), ("idea", self.arm))
            },
            "metric": self.arm.metric,
            "measure": self.measure,
            "by_other_measures": self.by_other_measures,
            "sesoi_from": self.sesoi_from,
            "plan": self.of_plan,
            "other": None if self.other is None else self.other.to_dict(),
            "standing": self.standing.word,
            "terms": self.standing.terms or DEFAULT_TERMS,
            "departures": self.standing.departures,
            "notes": self.notes,
            "claims": [claim.to_dict() for claim in self.claims],
            "joined_since_plan": self.standing.joined,
            "left_out": self.standing.left_out,
            "e_value": self.e_value,
            "runs_to_settle": self.runs_to_settle,
            "seconds_to_settle": self.seconds_to_settle,
        }
        return {**self.comparison.to_dict(), **json_ready(facts)}


def best_first(judgements: Iterable[Judgement]) -> list[Judgement]:
    """The order in which verdicts are shown: the largest gain first, those without one last."""

    def gain(judgement: Judgement) -> float:
        gained = judgement.comparison.improvement
        return gained if math.isfinite(gained) else -math.inf

    return sorted(judgements, key=gain, reverse=True)


def leading(judgements: Sequence[Judgement]) -> Judgement:
    """The one whose next step is told: the first registered test, or else the largest gain."""
    registered = (judged for judged in judgements if judged.weight)
    return next(registered, best_first(judgements)[0])


def by_other_measures(
    arm: ArmRuns, baseline: ArmRuns, judged: Comparison
) -> tuple[OtherMeasure, ...]:
    """Both arms by each further measure of their task, the arm on the seeds that were judged.

    Left out are a measure that an arm lacks or that is not a number in some run, and a multiple of
    the metric judged by, as bits per byte are of nats per token with one tokenizer.
    """
    seeds = {seed for seed in judged.seeds if isinstance(seed, int)}
    known = dict.fromkeys(name for record in arm.records for name in record.measures)
    own = arm.only(seeds)
    compared = (
        _compared(own.by(metric), baseline.by(metric), judged.level)
        for metric in known
        if metric != arm.metric and not _multiples((own, baseline), metric)
    )
    return tuple(other for other in compared if other is not None)


def _multiples(arms: Sequence[ArmRuns], metric: str) -> bool:
    """Whether `metric` is one multiple of the metric judged by, in every run."""
    pairs = [
        (r.metrics[arm.metric], r.metrics[metric])
        for arm in arms
        for r in arm.records
        if r.metrics.get(arm.metric) and metric in r.metrics
    ]
    ratios = [other / judged for judged, other in pairs]
    return bool(ratios) and max(ratios) - min(ratios) <= SAME * abs(ratios[0])


def _compared(arm: ArmRuns, baseline: ArmRuns, level: float) -> OtherMeasure | None:
    theirs, ours = _numbers(baseline), _numbers(arm)
    paired = len(theirs.keys() & ours.keys()) > 1
    if paired:
        theirs = {seed: loss for seed, loss in theirs.items() if seed in ours}
        ours = {seed: loss for seed, loss in ours.items() if seed in theirs}
    if not theirs or not ours:
        return None
    test = (paired_t if paired else welch_t)(theirs, ours)
    before, after = (math.fsum(side.values()) / len(side) for side in (theirs, ours))
    how = arm.measure
    return OtherMeasure(
        metric=arm.metric,
        measure=how,
        baseline=how.as_loss(before),
        idea=how.as_loss(after),
        improvement=before - after,
        ci=test.ci(level),
        level=level,
    )


def _numbers(arm: ArmRuns) -> Mapping[Seed, float]:
    """Seed -> loss; empty where one of them is no number, so that no mean leaves a run out."""
    losses = {seed: math.nan if x is None else x for seed, x in arm.losses.items()}
    return losses if all(map(math.isfinite, losses.values())) else {}
