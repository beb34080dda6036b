"""The leaderboard: all ideas of one baseline side by side, adjusted for how many were tried."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from statistics import fmean
from typing import Any

from audition.answers import ArmRuns, Judgement, family_of, judge_baseline
from audition.answers.curves import Stopwatch
from audition.answers.energy import Joules, joules_of
from audition.errors import AuditionError, choices
from audition.records.registration import registrations
from audition.records.store import Ledger
from audition.stats.comparison import json_ready
from audition.stats.distributions import Sides
from audition.stats.equal_time import EqualTime
from audition.stats.shrinkage import FEWEST, Shrinkage, shrink

Interval = tuple[float, float]
UNKNOWN: Interval = (math.nan, math.nan)


@dataclass(frozen=True)
class Row:
    """One idea: its judgement, its shrunken gain, and its gain at equal time."""

    name: str  # the arm, with the beginning of its hash where two configurations share a name
    judgement: Judgement
    stopwatch: Stopwatch
    shrunken: float = math.nan
    shrunken_ci: Interval = UNKNOWN

    @cached_property
    def time(self) -> EqualTime:
        """Per unit and per second; read from the runs' files when first asked for."""
        return self.stopwatch.against(self.judgement.arm)

    def facts(self) -> dict[str, Any]:
        """A flat line for tables: levels and gains in the metric's unit, times in seconds."""
        c, arm, (before, after) = (
            self.judgement.comparison,
            self.judgement.arm,
            self.judgement.levels,
        )
        rule = c.seed_rule
        return {
            "arm": arm.name,
            "config_hash": arm.config_hash,
            "verdict": c.verdict,
            "kind": c.kind or "",
            "n": c.n,
            "n_baseline": c.n_baseline,
            "diverged": c.diverged,
            "metric": arm.metric,
            "unit": arm.measure.unit,
            "better": arm.measure.better,
            arm.metric: after,
            f"baseline_{arm.metric}": before,
            "improvement": c.improvement,
            "ci_low": c.ci[0],
            "ci_high": c.ci[1],
            "p": c.p,
            "p_adjusted": c.p_adjusted,
            "adjustment": c.adjustment,
            "family_size": c.family_size,
            "design": c.design,
            "cohens_d": c.cohens_d,
            "card_rule_passed": None if rule is None else rule.passed,
            "card_rule_false_pass_rate": math.nan if rule is None else rule.false_pass_rate,
            "shrunken": self.shrunken,
            "shrunken_low": self.shrunken_ci[0],
            "shrunken_high": self.shrunken_ci[1],
            "seconds": arm.mean("seconds"),
            "train_time_ratio": self.time_ratio,
            **self.joules.facts(),
            **{f"claim_{c.cost}": c.word for c in self.judgement.claims},
            **{f"factor_{c.cost}": c.factor for c in self.judgement.claims},
            **{
                f"score_{c.cost}": math.nan if c.score is None else c.score
                for c in self.judgement.claims
            },
            "equal_time_improvement": self.time.per_second,
            "equal_time_ci_low": self.time.per_second_ci[0],
            "equal_time_ci_high": self.time.per_second_ci[1],
            "reason": c.reason,
        }

    @cached_property
    def joules(self) -> Joules:
        """The idea's joules against the baseline's, where they are of one kind."""
        return joules_of(self.judgement)

    @property
    def time_ratio(self) -> float:
        """Training time over the baseline's, by the ledger's own timings."""
        theirs = self.judgement.baseline.mean("train_seconds")
        return self.judgement.arm.mean("train_seconds") / theirs if theirs > 0 else math.nan


@dataclass(frozen=True)
class Leaderboard:
    """Rows in their order, and what they rest on."""

    baseline: ArmRuns
    rows: tuple[Row, ...]
    without_result: tuple[str, ...]
    sort: str
    shrinkage: Shrinkage | None

    @property
    def family_size(self) -> int:
        """Ideas ever compared with this baseline."""
        return len(self.rows) + len(self.without_result)

    @property
    def best(self) -> Row | None:
        """The row with the largest gain that was shrunk, whatever the order."""
        shrunk = [row for row in self.rows if not math.isnan(row.shrunken)]
        return max(shrunk, key=lambda row: row.judgement.comparison.improvement, default=None)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        spread = self.shrinkage
        return {
            "baseline_hash": self.baseline.config_hash,
            "metric": self.baseline.metric,
            "measure": asdict(self.baseline.measure),
            "family_size": self.family_size,
            "without_result": list(self.without_result),
            "sort": self.sort,
            "shrinkage": None if spread is None else {"mean": spread.mean, "tau": spread.tau},
            "rows": [
                {**json_ready(row.facts()), "equal_time": row.time.sentence} for row in self.rows
            ],
        }


VERDICTS = ("supported", "inconclusive", "refuted", "invalid")

SORTS: Mapping[str, tuple[Callable[[Row], float | str], bool]] = {
    "improvement": (lambda row: row.judgement.comparison.improvement, True),
    "shrunken": (lambda row: row.shrunken, True),
    "equal_time": (lambda row: row.time.per_second, True),
    "d": (lambda row: row.judgement.comparison.cohens_d, True),
    "p": (lambda row: row.judgement.comparison.p_adjusted, False),
    "level": (lambda row: row.judgement.comparison.idea_mean, False),
    "time": (lambda row: row.judgement.arm.mean("seconds"), False),
    "verdict": (lambda row: VERDICTS.index(row.judgement.comparison.verdict), False),
    "name": (lambda row: row.name, False),
}
"""What rows can be ordered by, and whether the largest comes first; levels, the best first."""


def leaderboard(
    ledger: Ledger,
    arms: Mapping[str, ArmRuns],
    baseline: ArmRuns,
    *,
    sort: str = "improvement",
    sesoi: float | None = None,
    alpha: float | None = None,
    sides: Sides | None = None,
) -> Leaderboard:
    """Every idea ever compared with `baseline`, judged as one family, all by the baseline's metric.

    Raises AuditionError for an unknown sort key or a baseline without ideas, ValueError for what
    the statistics refuse.
    """
    if sort not in SORTS:
        raise AuditionError(f"cannot sort by '{sort}'{choices(sort, SORTS)}")
    plans = registrations(ledger.root)
    judgements = judge_baseline(
        arms,
        baseline.config_hash,
        plans=plans,
        detail=False,
        metric=baseline.metric,
        sesoi=sesoi,
        alpha=alpha,
        sides=sides,
    )
    if not judgements:
        raise AuditionError(
            f"no idea has a result beside baseline {baseline.config_hash}: there is nothing to rank"
        )
    names = _names([judgement.arm for judgement in judgements])
    stopwatch = Stopwatch(ledger, baseline)
    rows = [
        Row(name, judgement, stopwatch) for name, judgement in zip(names, judgements, strict=True)
    ]
    rows, shrinkage = _shrunken(rows)
    judged = {judgement.arm.config_hash for judgement in judgements}
    announced = {arm.config_hash: arm.name for plan in plans for arm in plan.arms}
    missing = family_of(arms, baseline.config_hash, plans) - judged
    rest = sorted(arms[key].name if key in arms else announced[key] for key in missing)
    return Leaderboard(baseline, tuple(_ordered(rows, sort)), tuple(rest), sort, shrinkage)


def _shrunken(rows: Sequence[Row]) -> tuple[list[Row], Shrinkage | None]:
    able = [
        row
        for row in rows
        if row.judgement.comparison.standard_error > 0
        and row.judgement.comparison.verdict != "invalid"
    ]
    if len(able) < FEWEST:
        return list(rows), None
    compared = [row.judgement.comparison for row in able]
    found = shrink(
        [c.improvement for c in compared],
        [c.standard_error for c in compared],
        shared=[c.n / (c.n + c.n_baseline) for c in compared],
        df=fmean(c.df for c in compared),
    )
    drawn = dict(zip(map(id, able), zip(found.effects, found.intervals, strict=True), strict=True))
    return [
        replace(row, shrunken=drawn[id(row)][0], shrunken_ci=drawn[id(row)][1])
        if id(row) in drawn
        else row
        for row in rows
    ], found


def _ordered(rows: Sequence[Row], sort: str) -> list[Row]:
    """By the key; equal rows by their gain, and those without a value last."""
    ordered = list(rows)
    for key, largest_first in (SORTS["improvement"], SORTS[sort]):
        known: list[Row] = []
        unknown: list[Row] = []
        for row in ordered:
            value = key(row)
            (known if isinstance(value, str) or not math.isnan(value) else unknown).append(row)
        ordered = sorted(known, key=key, reverse=largest_first) + unknown
    return ordered


def _names(arms: Sequence[ArmRuns]) -> list[str]:
    times = Counter(arm.name for arm in arms)
    return [
        arm.name if times[arm.name] == 1 else f"{arm.name} ({arm.config_hash[:6]})" for arm in arms
    ]
