"""Joules of runs: how they were measured, and what an arm used compared with its baseline."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Literal

from audition.answers.arms import ArmRuns
from audition.answers.judgement import Judgement
from audition.records.record import Record
from audition.stats.arms import Seed
from audition.stats.claim import Claimed
from audition.stats.comparison import json_ready
from audition.stats.saving import Estimate, saving
from audition.text import count, energy, interval_of_ratio, number, one, plain_level, probability

Source = tuple[str, str]
"""(method, meter), as in records; two empty texts for runs that were not metered."""

NO_SOURCE: Source = ("", "")
Kind = Literal["saves", "costs", "worse", "open"]
"""The same loss for fewer joules; the same or another for more; fewer joules for a loss that is worse,
or may be; nothing that these seeds could tell."""


def sources(records: Iterable[Record]) -> tuple[Source, ...]:
    """The sources of joules among those of `records` that finished."""
    found = {(r.energy_method, r.energy_meter) for r in records if r.status == "finished"}
    return tuple(sorted(found))


def one_source(records: Iterable[Record]) -> tuple[Source, str]:
    """The source of joules that one table of `records` may show, and a sentence about it.

    NO_SOURCE where there is none, or more than one, as joules of two sources do not compare: then
    the sentence says so.
    """
    metered = [source for source in sources(records) if source != NO_SOURCE]
    if len(metered) > 1:
        named = " and ".join(map(source_name, metered))
        return (
            NO_SOURCE,
            f"Joules are left out: they are {named}, which do not belong in one table.",
        )
    return (metered[0], f"Joules are {source_name(metered[0])}.") if metered else (NO_SOURCE, "")


def source_name(source: Source) -> str:
    """`measured by nvml`."""
    method, meter = source
    return f"{method} by {meter}" if meter else "not metered"


@dataclass(frozen=True)
class Joules:
    """The joules of an arm against its baseline's; without a claim tested, the reason why not.

    What is tested is the claim of the same loss for fewer joules at all: k = 1, δ = δ*.
    """

    sentence: str  # empty where no run was metered
    source: Source = NO_SOURCE
    tested: Claimed | None = None
    levels: tuple[float, float] = (math.nan, math.nan)  # of baseline and idea, means of runs [J]

    @property
    def kind(self) -> Kind:
        """What it comes to."""
        if self.tested is None:
            return "open"
        if self.tested.cheaper:
            return "saves" if self.tested.dominates else "worse"
        return "costs" if self.tested.dearer else "open"

    @property
    def ratio(self) -> float:
        """The idea's joules over the baseline's, the geometric mean over seeds."""
        return math.nan if self.tested is None else 1.0 / self.tested.factor

    @property
    def ratio_ci(self) -> tuple[float, float]:
        """Its interval."""
        low, high = (math.nan, math.nan) if self.tested is None else self.tested.factor_ci
        return 1.0 / high, 1.0 / low

    def facts(self) -> dict[str, Any]:
        """A flat part of a table's line; not-a-number where there is nothing to compare."""
        method, meter = self.source
        before, after = self.levels
        return {
            "energy_method": method,
            "energy_meter": meter,
            "joules": after,
            "baseline_joules": before,
            "energy_ratio": self.ratio,
            "energy_ratio_ci_low": self.ratio_ci[0],
            "energy_ratio_ci_high": self.ratio_ci[1],
        }

    def to_dict(self) -> dict[str, Any] | None:
        """As data; None where no run was metered."""
        if not self.sentence:
            return None
        method, meter = self.source
        facts = {} if self.tested is None else {"kind": self.kind, **self.tested.to_dict()}
        levels = {"ratio": self.ratio, "ratio_ci": self.ratio_ci, "levels": self.levels}
        told = {"method": method, "meter": meter, "sentence": self.sentence}
        return {**facts, **(json_ready(levels) if facts else {}), **told}


def joules_of(judgement: Judgement) -> Joules:
    """The joules of both arms compared, as far as their records allow it."""
    ours, theirs = sources(judgement.arm.records), sources(judgement.baseline.records)
    every = {*ours, *theirs}
    if every <= {NO_SOURCE}:
        return Joules("")
    if len(every) > 1:
        said = " and ".join(
            f"{runs} are {' and '.join(map(source_name, found)) or 'none'}"
            for runs, found in (("the baseline's runs", theirs), ("the idea's", ours))
        )
        return Joules(f"No energy comparison: {said}, and one is no measure of the other.")
    (source,) = every
    before, after = (_by_seed(arm) for arm in (judgement.baseline, judgement.arm))
    if not before or not after:
        return Joules("No energy comparison: one arm has no run with joules.", source)
    c = judgement.comparison
    tested = Claimed(
        c.idea,
        "joules",
        1.0,
        c.sesoi,
        Estimate(c.improvement, c.standard_error, c.df, c.n),
        saving(before, after),
        method=source[0],
        alpha=(1.0 - c.level) / 2.0,
    )
    found = Joules("", source, tested, (fmean(before.values()), fmean(after.values())))
    paired = len(before.keys() & after.keys()) > 1
    return replace(found, sentence=_sentence(judgement, found, tested, paired))


def _by_seed(arm: ArmRuns) -> dict[Seed, float]:
    return {r.seed: r.joules for r in arm.records if r.status == "finished" and r.joules > 0}


def _per_unit(arm: ArmRuns) -> float:
    """Joules per token or example trained on, over the finished runs; not-a-number without any."""
    runs = [r for r in arm.records if r.status == "finished"]
    units = sum(r.units for r in runs)
    return sum(r.joules for r in runs) / units if units else math.nan


CONCLUSIONS = {
    "saves": "as good a result (not worse by δ* = {margin}, p {p}) for fewer joules",
    "worse": "fewer joules, but these seeds do not show that the result is as good (not worse by "
    "δ* = {margin}: p {p})",
    "costs": "more joules{good}",
    "open": "these seeds do not show a difference in joules",
}


def _sentence(judgement: Judgement, found: Joules, tested: Claimed, paired: bool) -> str:
    before, after = (_per_unit(arm) for arm in (judgement.baseline, judgement.arm))
    conclusion = CONCLUSIONS[found.kind].format(
        margin=plain_level(tested.delta, judgement.measure),
        p=probability(tested.p_loss),
        good=" for a result that is as good" if tested.as_good else "",
    )
    each = [energy(joules) for joules in (*found.levels, before, after)]
    return (
        f"{each[0]} → {each[1]} a run, {each[2]} → {each[3]} per {one(judgement.arm.unit)}, "
        f"{source_name(found.source)}{_shared(judgement)}; "
        f"{number(found.ratio, '.3f')} × {interval_of_ratio(found.ratio_ci)} over "
        f"{count(tested.less.n, 'paired seed' if paired else 'seed')}: {conclusion}"
    )


def _shared(judgement: Judgement) -> str:
    """How many runs shared a meter, where it was more than one."""
    sides = (judgement.baseline, judgement.arm)
    each = [{r.energy_shared for r in arm.records if r.status == "finished"} for arm in sides]
    if each[0] | each[1] == {1}:
        return ""
    before, after = (_runs(side) for side in each)
    if before == after:
        return f", shared equally by {before} at once"
    return f", shared equally by {before} at once in the baseline and {after} in the idea"


def _runs(shared: set[int]) -> str:
    """`2 runs`, `1 or 2 runs`."""
    *fewer, most = sorted(shared) or [1]
    return " or ".join([*map(str, fewer), count(most, "run")])
