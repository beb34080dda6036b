"""One arm held against its baseline: what came of it, at what price, and what would settle it."""

from dataclasses import asdict, dataclass
from functools import cached_property
from math import sqrt
from typing import Any

from audition.answers.arms import ArmRuns, other_arithmetic
from audition.answers.other_measures import OtherMeasure, by_other_measures
from audition.measure import Measure
from audition.records.standing import Standing
from audition.stats import Comparison, e_value

DEFAULT_TERMS = "at default settings"
"""How arms meet that nobody tuned beforehand."""


@dataclass(frozen=True)
class Judgement:
    """One arm held against its baseline: the statistics, and the price of both."""

    comparison: Comparison
    arm: ArmRuns
    baseline: ArmRuns
    standing: Standing

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of how the two arms were made, a sentence each."""
        said = other_arithmetic(self.arm, self.baseline)
        return (said,) if said else ()

    @property
    def measure(self) -> Measure:
        """How the metric is read that it was judged by."""
        return self.arm.measure

    @property
    def levels(self) -> tuple[float, float]:
        """What the baseline and the idea came to, in the measure's own direction and unit."""
        c, how = self.comparison, self.measure
        return how.as_loss(c.baseline_mean), how.as_loss(c.idea_mean)

    @cached_property
    def by_other_measures(self) -> tuple[OtherMeasure, ...]:
        """What the same runs say by the other measures of their task."""
        return by_other_measures(self.arm, self.baseline, self.comparison)

    @property
    def e_value(self) -> float | None:
        """Evidence that may be looked at after every seed; for seeds added after a look.

        Reject "no gain" at level α once it reaches 1 / α. It needs a noise that these seeds alone
        did not set, so it is None without the shared noise of a campaign.
        """
        c = self.comparison
        if not self.standing.added_seeds or c.design not in ("block", "moderated"):
            return None
        pairs = [(self.baseline.losses[seed], self.arm.losses[seed]) for seed in c.seeds]
        gains = [theirs - ours for theirs, ours in pairs if theirs is not None and ours is not None]
        return e_value(gains, c.standard_error * sqrt(c.n)) if c.standard_error > 0 else None

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
        c, (before, after) = self.comparison, self.levels
        return {
            **c.to_dict(),
            "baseline_mean": _number(before),
            "idea_mean": _number(after),
            "config_hash": self.arm.config_hash,
            "baseline_hash": self.baseline.config_hash,
            "cost": {
                side: {
                    fact: _number(runs.mean(fact))
                    for fact in ("seconds", "units", "forward_passes", "backward_passes")
                }
                for side, runs in (("baseline", self.baseline), ("idea", self.arm))
            },
            "metric": self.arm.metric,
            "measure": asdict(self.measure),
            "by_other_measures": [other.to_dict() for other in self.by_other_measures],
            "standing": self.standing.word,
            "terms": self.standing.terms or DEFAULT_TERMS,
            "departures": list(self.standing.departures),
            "notes": list(self.notes),
            "joined_since_plan": self.standing.joined,
            "left_out": list(self.standing.left_out),
            "e_value": self.e_value,
            "runs_to_settle": self.runs_to_settle,
            "seconds_to_settle": _number(self.seconds_to_settle),
        }


def _number(value: float | None) -> float | None:
    return value if value is not None and value == value else None
