"""Joules of runs: how they were measured, and what an arm used compared with its baseline."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from audition.answers.arms import ArmRuns
from audition.answers.judgement import Judgement
from audition.records.record import Record
from audition.stats.arms import Seed
from audition.stats.energy import EnergyVerdict, energy_verdict
from audition.text import count, energy, interval_of_ratio, number, one, plain_level, probability

Source = tuple[str, str]
"""(method, meter), as in records; two empty texts for runs that were not metered."""

NO_SOURCE: Source = ("", "")


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
    """The joules of an arm against its baseline's; without a verdict, the reason why not."""

    sentence: str  # empty where no run was metered
    source: Source = NO_SOURCE
    verdict: EnergyVerdict | None = None

    def facts(self) -> dict[str, Any]:
        """A flat part of a table's line; not-a-number where there is nothing to compare."""
        found, (method, meter), nan = self.verdict, self.source, math.nan
        low, high = (nan, nan) if found is None else found.ratio_ci
        return {
            "energy_method": method,
            "energy_meter": meter,
            "joules": nan if found is None else found.joules_idea,
            "baseline_joules": nan if found is None else found.joules_baseline,
            "energy_ratio": nan if found is None else found.ratio,
            "energy_ratio_ci_low": low,
            "energy_ratio_ci_high": high,
        }

    def to_dict(self) -> dict[str, Any] | None:
        """As data; None where no run was metered."""
        if not self.sentence:
            return None
        method, meter = self.source
        facts = {} if self.verdict is None else self.verdict.to_dict()
        return {"method": method, "meter": meter, **facts, "sentence": self.sentence}


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
    found = energy_verdict(
        before,
        after,
        improvement=c.improvement,
        standard_error=c.standard_error,
        df=c.df,
        margin=c.sesoi,
        level=c.level,
    )
    return Joules(_sentence(judgement, found, source), source, found)


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


def _sentence(judgement: Judgement, found: EnergyVerdict, source: Source) -> str:
    before, after = (_per_unit(arm) for arm in (judgement.baseline, judgement.arm))
    conclusion = CONCLUSIONS[found.kind].format(
        margin=plain_level(found.margin, judgement.measure),
        p=probability(found.p_worse),
        good=" for a result that is as good" if found.as_good else "",
    )
    return (
        f"{energy(found.joules_baseline)} → {energy(found.joules_idea)} a run, {energy(before)} → "
        f"{energy(after)} per {one(judgement.arm.unit)}, {source_name(source)}{_shared(judgement)}; "
        f"{number(found.ratio, '.3f')} × {interval_of_ratio(found.ratio_ci)} over "
        f"{count(found.n, 'paired seed' if found.paired else 'seed')}: {conclusion}"
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
