"""What is counted of a family: dominance of dynasties, survival, and whether fitness foretells it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audition.answers.lineage.family import Family, Unit
from audition.records.lineage import Turn
from audition.stats.ranks import spearman

FOUNDERS = "from the start"


@dataclass(frozen=True)
class Dominance:
    """How the living units of a site are shared among dynasties after a step."""

    step: int
    site: str
    units: int
    dynasties: int  # that have any part in the living
    largest: float  # share of the largest
    effective: float  # 1 / Σ share²: as many equal dynasties would be as mixed


@dataclass(frozen=True)
class Survival:
    """The share of a group that is still alive at each age, by Kaplan and Meier (1958)."""

    group: str
    units: int
    deaths: int
    ages: tuple[int, ...]  # steps after birth, rising, from 0
    alive: tuple[float, ...]  # from that age on


@dataclass(frozen=True)
class Foretold:
    """Rank correlation (Spearman) of fitness just before an event with descendants born by then on.

    Of units that outlive the event, the mean over the events of all sites in which both vary.
    """

    at_once: float  # with the descendants of this very event and later ones
    later: float  # with those of later events alone
    events: int  # that had a later one
    units: int  # in them


def dominance(family: Family) -> tuple[Dominance, ...]:
    """Of every site at the start and after each of its events, in the order of time."""
    found = [
        _dominance(family, family.lineage.since, site, ids)
        for site, ids in family.lineage.founders.items()
        if ids
    ]
    for turn, living in family.lineage.replay():
        found.append(_dominance(family, turn.step, turn.site, living[turn.site]))
    return tuple(found)


def _dominance(family: Family, step: int, site: str, ids: Sequence[int]) -> Dominance:
    shares = [many / len(ids) for many in family.dynasties(ids).values()]
    return Dominance(
        step, site, len(ids), len(shares), max(shares), 1.0 / sum(s * s for s in shares)
    )


def survival(family: Family) -> tuple[Survival, ...]:
    """Of the units that the run began with, and of those of each strategy."""
    groups: dict[str, list[Unit]] = {}
    for unit in family.units.values():
        known = unit.born > family.lineage.since
        groups.setdefault((unit.strategy or "born") if known else FOUNDERS, []).append(unit)
    return tuple(_survival(name, units, family.until) for name, units in groups.items())


def _survival(group: str, units: Sequence[Unit], until: int) -> Survival:
    deaths: dict[int, int] = {}
    ends: list[int] = []
    for unit in units:
        age = (until if unit.died is None else unit.died) - unit.born
        ends.append(age)
        if unit.died is not None:
            deaths[age] = deaths.get(age, 0) + 1
    ages, alive, share = [0], [1.0], 1.0
    for age in sorted(deaths):
        at_risk = sum(end >= age for end in ends)
        share *= 1.0 - deaths[age] / at_risk
        ages.append(age)
        alive.append(share)
    if ends and max(ends) > ages[-1]:
        ages.append(max(ends))
        alive.append(share)
    return Survival(group, len(units), sum(deaths.values()), tuple(ages), tuple(alive))


def foretold(family: Family) -> Foretold:
    """Whether a unit's fitness says how many descendants it will have."""
    at_once: list[float] = []
    later: list[float] = []
    units = 0
    for turn, ids in _measured(family):
        stay = [(i, f) for i, f in zip(ids, turn.fitness, strict=True) if i not in turn.died]
        known = [(i, f) for i, f in stay if f is not None]
        fitness = [f for _, f in known]
        for found, step in ((at_once, turn.step - 1), (later, turn.step)):
            born = family.descendants_after(step)
            r = spearman(fitness, [born[i] for i, _ in known])
            if not math.isnan(r):
                found.append(r)
                units += len(known) * (found is later)
    return Foretold(_mean(at_once), _mean(later), len(later), units)


def _measured(family: Family) -> Sequence[tuple[Turn, Sequence[int]]]:
    """Each event whose units' fitness was measured, with the units just before it."""
    found, before = [], dict(family.lineage.founders)
    for turn, living in family.lineage.replay():
        if len(turn.fitness) == len(before[turn.site]):
            found.append((turn, before[turn.site]))
        before = dict(living)
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def summary(family: Family, most: int = 10) -> dict[str, Any]:
    """The lineage of a run as data: counts, the units with most descendants, and the measures."""
    lineage, told = family.lineage, foretold(family)
    born = sum(len(turn.born) for turn in lineage.turns)
    return {
        "since": lineage.since,
        "until": family.until,
        "events": len(lineage.turns),
        "steps": sorted({turn.step for turn in lineage.turns}),
        "units": {site: len(ids) for site, ids in lineage.living.items()},
        "born": born,
        "died": sum(len(turn.died) for turn in lineage.turns),
        "with_parents": sum(1 for unit in family.units.values() if not unit.founder),
        "most_descendants": [_told(family, i) for i in _most(family.descendants, most)],
        "dominance": _last(dominance(family)),
        "survival": [vars(each) for each in survival(family)],
        "fitness_and_descendants": vars(told),
    }


def _told(family: Family, i: int) -> dict[str, Any]:
    unit = family.units[i]
    return {
        "unit": i,
        "site": unit.site,
        "born": unit.born,
        "died": unit.died,
        "descendants": family.descendants[i],
    }


def _most(descendants: Mapping[int, int], most: int) -> list[int]:
    order: Callable[[int], tuple[int, int]] = lambda i: (-descendants[i], i)  # noqa: E731
    return [i for i in sorted(descendants, key=order)[:most] if descendants[i]]


def _last(found: Sequence[Dominance]) -> list[dict[str, Any]]:
    """The last of each site."""
    return [vars(each) for each in {each.site: each for each in found}.values()]
