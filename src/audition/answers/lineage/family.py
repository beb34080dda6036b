"""The units of a run as a family: when each lived, its parents, its descendants, its dynasty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from audition.records.lineage import Lineage

Shares = Mapping[int, float]
"""Id of a dynasty's first unit -> the part of a unit, or of all units, that comes from it."""


@dataclass(frozen=True)
class Unit:
    """One unit, from its birth on."""

    id: int
    site: str
    slot: int  # where it began
    born: int  # the step after which it was there
    died: int | None  # likewise; None while it lives
    parents: Mapping[int, float]  # id -> share of the unit that comes from it; shares add up to 1
    strategy: str  # that made it; empty for those that the run began with

    @property
    def founder(self) -> bool:
        """Whether it was drawn, by the run's first weights or anew, and not made of others."""
        return not self.parents

    @property
    def first_parent(self) -> int | None:
        """The parent that it has most of, the first of those; None for a founder."""
        return max(self.parents, key=lambda each: self.parents[each], default=None)


@dataclass(frozen=True)
class Family:
    """All units that a run ever had, by id, in the order in which they were born.

    A parent is born before its children, so that there are no cycles. Asked of `until`, those alive
    have lived so long: the last step of the run.
    """

    units: Mapping[int, Unit]
    lineage: Lineage
    until: int

    @classmethod
    def of(cls, lineage: Lineage, until: int = 0) -> "Family":
        """The family of a log, of a run of `until` steps."""
        died = {i: turn.step for turn in lineage.turns for i in turn.died}
        units = {
            i: Unit(i, site, slot, lineage.since, died.get(i), {}, "")
            for site, ids in lineage.founders.items()
            for slot, i in enumerate(ids)
        }
        for turn in lineage.turns:
            alphas = turn.facts.get("alpha", ())
            for place, (i, slot) in enumerate(zip(turn.born, turn.slots, strict=True)):
                alpha = alphas[place] if place < len(alphas) else None
                parents = shares_of(turn.parents[place] if turn.parents else (), alpha)
                units[i] = Unit(i, turn.site, slot, turn.step, died.get(i), parents, turn.strategy)
        last = lineage.turns[-1].step if lineage.turns else lineage.since
        return cls(units, lineage, max(until, last))

    @cached_property
    def children(self) -> Mapping[int, Sequence[int]]:
        """Id -> the ids of its children, in the order of their births; every unit has an entry."""
        found: dict[int, list[int]] = {i: [] for i in self.units}
        for unit in self.units.values():
            for parent in unit.parents:
                found[parent].append(unit.id)
        return found

    @cached_property
    def living(self) -> Sequence[int]:
        """The ids of those that live at the end."""
        return [i for ids in self.lineage.living.values() for i in ids]

    @cached_property
    def descendants(self) -> Mapping[int, int]:
        """Id -> how many units descend from it, each counted once, whether they live or not."""
        return {i: below.bit_count() for i, below in self._below.items()}

    def descendants_after(self, step: int) -> Mapping[int, int]:
        """The same, of units that were born after `step`."""
        later = sum(1 << u.id for u in self.units.values() if u.born > step)
        return {i: (below & later).bit_count() for i, below in self._below.items()}

    @cached_property
    def _below(self) -> Mapping[int, int]:
        """Id -> its descendants, a bit each: sets of many units, united quickly."""
        found = dict.fromkeys(self.units, 0)
        for unit in reversed([*self.units.values()]):
            for parent in unit.parents:
                found[parent] |= found[unit.id] | 1 << unit.id
        return found

    @cached_property
    def ancestry(self) -> Mapping[int, Shares]:
        """Id -> what part of the unit comes from each founder; the parts add up to 1.

        A child has of each founder the mean of its parents, weighted by its share of them.
        """
        found: dict[int, dict[int, float]] = {}
        for unit in self.units.values():
            own: dict[int, float] = {unit.id: 1.0} if unit.founder else {}
            for parent, share in unit.parents.items():
                for founder, part in found[parent].items():
                    own[founder] = own.get(founder, 0.0) + share * part
            found[unit.id] = own
        return found

    def dynasties(self, ids: Sequence[int]) -> dict[int, float]:
        """Founder -> how many of the units `ids` are its own, parts added up, the largest first."""
        found: dict[int, float] = {}
        for i in ids:
            for founder, part in self.ancestry[i].items():
                found[founder] = found.get(founder, 0.0) + part
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def shares_of(parents: Sequence[int], alpha: float | None) -> dict[int, float]:
    """Parent -> share: of two, `alpha` of the first; equal ones otherwise. A parent twice is one."""
    many = len(parents)
    shares = (
        (alpha, 1.0 - alpha)
        if many == 2 and alpha is not None
        else (1.0 / many,) * many
        if many
        else ()
    )
    found: dict[int, float] = {}
    for parent, share in zip(parents, shares, strict=True):
        found[parent] = found.get(parent, 0.0) + share
    return found
