"""Equal time: what is left of a gain at equal units when both arms get the same seconds of training."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audition.stats.arms import Seed
from audition.stats.comparison import json_ready
from audition.stats.distributions import require_probability
from audition.stats.t_tests import paired_t, welch_t

COARSEST = 0.15
"""Share of a run between two evaluations above which a straight line between them misleads."""

CLOCK = 0.02
"""Relative difference in speed that timing cannot tell from none."""


@dataclass(frozen=True)
class Curve:
    """One run's evaluations: seconds of training so far [evaluations], and losses [evaluations]."""

    seconds: tuple[float, ...]
    losses: tuple[float, ...]

    def at(self, seconds: float) -> float | None:
        """The loss at `seconds`, straight between two evaluations; None outside them.

        Between evaluations a loss sags below the straight line, so a dense curve reads truer.
        """
        for k in range(1, len(self.seconds)):
            before, after = self.seconds[k - 1], self.seconds[k]
            if before <= seconds <= after * (1.0 + 1e-9):
                share = (seconds - before) / (after - before) if after > before else 1.0
                return self.losses[k - 1] + share * (self.losses[k] - self.losses[k - 1])
        return None

    def gap(self, seconds: float) -> float:
        """The share of the run that lies between the evaluations on both sides of `seconds`."""
        later = [s for s in self.seconds if s * (1.0 + 1e-9) >= seconds]
        earlier = [s for s in self.seconds if s < seconds]
        if not later or not earlier or abs(later[0] - seconds) <= 1e-9 * seconds:
            return 0.0
        return (later[0] - earlier[-1]) / self.seconds[-1]


@dataclass(frozen=True)
class EqualTime:
    """Two arms at the same units and at the same seconds of training; gains in loss units.

    `seconds` is the shorter of the arms' training times. The slower arm's loss there is read off
    its own curve, before its schedule has come to its end: a run planned for that time would do a
    little better. Gains are NaN, and `reason` says why, where a curve cannot be read.
    """

    seconds: float
    seconds_baseline: float
    seconds_idea: float
    per_unit: float
    per_unit_ci: tuple[float, float]
    per_second: float
    per_second_ci: tuple[float, float]
    n: int
    reason: str = ""
    too_coarse: bool = False  # whether more evaluations would tell
    unit: str = "unit"  # what a budget counts, as a word for one of them
    places: int = 4  # decimals of a gain in words

    @property
    def ratio(self) -> float:
        """The idea's training time over the baseline's, for the same units."""
        return self.seconds_idea / self.seconds_baseline

    def to_dict(self) -> dict[str, Any]:
        """The same facts as JSON can hold them, with the sentence; NaN as null."""
        plain: dict[str, Any] = json_ready(self)
        del plain["places"]
        return {**plain, "sentence": self.sentence}

    @property
    def sentence(self) -> str:
        """The two comparisons in one sentence."""
        if self.reason:
            return f"No equal-time comparison: {self.reason}."
        pace = f"takes {self.ratio:.2f} × the baseline's training time"
        if abs(self.ratio - 1.0) < CLOCK:
            pace = "takes the baseline's training time"
        units, time = _words(self.per_unit), _words(self.per_second)
        link = "but" if self.per_unit * self.per_second < 0 else "and"
        return (
            f"{units} per {self.unit} ({self._gain(self.per_unit, self.per_unit_ci)}) {link} "
            f"{time.lower()} per second ({self._gain(self.per_second, self.per_second_ci)} at "
            f"{self.seconds:.3g} s): the idea {pace}."
        )

    def _gain(self, gain: float, ci: tuple[float, float]) -> str:
        form = f"+.{self.places}f"
        if math.isnan(ci[0]):
            return f"{gain:{form}}"
        return f"{gain:{form}}, CI {ci[0]:{form}} to {ci[1]:{form}}"


def equal_time(
    baseline: Mapping[Seed, Curve],
    idea: Mapping[Seed, Curve],
    *,
    level: float = 0.95,
    coarsest: float = COARSEST,
) -> EqualTime:
    """Compare two arms (seed -> curve) at the shorter of their mean training times.

    Where the slower arm's evaluations around that time are more than `coarsest` of a run apart, a
    straight line between them would mislead, and the reason says so instead of a number.

    Each curve ends with the run. Seeds are paired where two or more are shared. Every run is read
    at the same share of its own time as its arm's mean: one slow machine does not move an arm.

    Raises:
        ValueError: `level` outside (0, 1).
    """
    require_probability(level, name="level")
    if not baseline or not idea:
        empty = "idea" if baseline else "baseline"
        nothing = (math.nan, (math.nan, math.nan))
        why = f"no finished run of the {empty} kept its evaluations and its training time"
        return EqualTime(math.nan, math.nan, math.nan, *nothing, *nothing, n=0, reason=why)
    ours, theirs = _mean_end(idea), _mean_end(baseline)
    seconds = min(ours, theirs)
    ends, now = [], []
    reason, too_coarse = "", False
    for name, curves, end in (("baseline", baseline, theirs), ("idea", idea, ours)):
        read = {seed: curve.at(curve.seconds[-1] * seconds / end) for seed, curve in curves.items()}
        missing = next((seed for seed, loss in read.items() if loss is None), None)
        if missing is not None:
            count = len(curves[missing].seconds)
            reason = reason or (
                f"the {name}'s run of seed {missing} has {count} evaluation"
                f"{'' if count == 1 else 's'}, none of them before {seconds:.3g} s"
            )
        ends.append({seed: curve.losses[-1] for seed, curve in curves.items()})
        now.append({seed: math.nan if loss is None else loss for seed, loss in read.items()})
    slower, end = (idea, ours) if ours > theirs else (baseline, theirs)
    gap = max(curve.gap(curve.seconds[-1] * seconds / end) for curve in slower.values())
    if not reason and gap > coarsest:
        too_coarse = True
        reason = (
            f"the idea takes {ours / theirs:.2f} × the baseline's training time, and evaluations "
            f"{gap:.0%} of a run apart cannot tell what that is worth"
        )
    per_unit = _compare(ends[0], ends[1], level)
    per_second = (math.nan, (math.nan, math.nan)) if reason else _compare(now[0], now[1], level)
    shared = len(baseline.keys() & idea.keys())
    return EqualTime(seconds, theirs, ours, *per_unit, *per_second, shared, reason, too_coarse)


def _compare(
    baseline: Mapping[Seed, float], idea: Mapping[Seed, float], level: float
) -> tuple[float, tuple[float, float]]:
    shared = [seed for seed in baseline if seed in idea]
    if len(shared) >= 2:
        first, second = ({seed: arm[seed] for seed in shared} for arm in (baseline, idea))
        test = paired_t(first, second)
    else:
        first, second = dict(baseline), dict(idea)
        test = welch_t(first, second)
    gain = math.fsum(first.values()) / len(first) - math.fsum(second.values()) / len(second)
    return gain, test.ci(level)


def _mean_end(curves: Mapping[Seed, Curve]) -> float:
    return math.fsum(curve.seconds[-1] for curve in curves.values()) / len(curves)


def _words(gain: float) -> str:
    return "Ahead" if gain > 0 else "Behind" if gain < 0 else "Level"
