"""What the figures of a lineage share: panels of sites, and the clades that have a colour.

A clade is a unit with all its descendants, along first parents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audition.answers.lineage.family import Family, Unit
from audition.answers.lineage.trees import heirs

PALETTE = (
    *("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"),
    *("#8c7fc7", "#b6a12b", "#4d8f8b", "#a3574e", "#7fb069", "#6b7a99"),
)
"""Okabe and Ito's colours, and as many muted ones; in these figures they are no verdicts."""
REST = "#d9d8d2"  # units of no clade that has a colour
DISTINCT = 0.6
"""The most of a clade that one within it may have, to be told from it."""
PANELS = 6
"""The most sites that are drawn."""


@dataclass(frozen=True)
class Clades:
    """The largest clades of a site at any time, and how many units live in each, over time."""

    site: str
    steps: Sequence[int]  # at which they are counted
    order: Sequence[int]  # the clades, as their parents come before them
    parents: Mapping[int, int | None]  # clade -> the clade it is within
    colours: Mapping[int, str]
    counts: Mapping[
        int | None, Sequence[int]
    ]  # units that belong to no smaller clade; None: the rest

    def inside(self, clade: int | None) -> list[int]:
        """The clades directly within one, or those within none."""
        return [each for each in self.order if self.parents[each] == clade]


def shown_sites(family: Family) -> list[str]:
    """The sites that had events, evenly chosen where they are many."""
    had = [s for s in family.lineage.founders if any(t.site == s for t in family.lineage.turns)]
    if len(had) <= PANELS:
        return had
    return [had[round(i * (len(had) - 1) / (PANELS - 1))] for i in range(PANELS)]


def panel_name(site: str) -> str:
    """`block 2` of `blocks.2.feedforward`; other sites keep their names."""
    steps = site.split(".")
    return f"block {steps[1]}" if steps[0] == "blocks" and len(steps) == 3 else site


def clades_of(family: Family, site: str, most: int = len(PALETTE)) -> Clades:
    """The clades of a site that were the largest at any time, nested ones included."""
    times = _living_over_time(family, site)
    largest: dict[int, int] = {}
    for _, ids in times:
        now: dict[int, int] = {}
        for i in ids:
            for above in line(family, i):
                now[above] = now.get(above, 0) + 1
        for i, many in now.items():
            largest[i] = max(largest.get(i, 0), many)
    chosen = _distinct(family, largest, most)
    owner = {i: _owner(family, i, {*chosen}) for _, ids in times for i in ids}
    counts: dict[int | None, list[int]] = {
        clade: [sum(owner[i] == clade for i in ids) for _, ids in times]
        for clade in (*chosen, None)
    }
    parents: dict[int, int | None] = {}
    for clade in chosen:
        first = family.units[clade].first_parent
        parents[clade] = None if first is None else _owner(family, first, {*chosen})
    colours = {clade: PALETTE[place % len(PALETTE)] for place, clade in enumerate(chosen)}
    return Clades(site, [step for step, _ in times], chosen, parents, colours, counts)


def line(family: Family, i: int | None) -> list[int]:
    """A unit, its first parent, the first parent of that, and so on."""
    found = []
    while i is not None:
        found.append(i)
        i = family.units[i].first_parent
    return found


def tree_under(family: Family, root: int) -> list[Unit]:
    """A unit and its descendants along first parents, each after its parent."""
    found, waiting = [], [root]
    while waiting:
        i = waiting.pop()
        found.append(family.units[i])
        waiting += reversed(heirs(family, i))
    return found


def _distinct(family: Family, sizes: Mapping[int, int], most: int) -> list[int]:
    """The largest clades by id, without those that are hardly smaller than one that they lie in."""
    chosen: list[int] = []
    for i in sorted((i for i in sizes if sizes[i] > 1), key=lambda i: (-sizes[i], i)):
        above = next((a for a in line(family, i)[1:] if a in chosen), None)
        if len(chosen) < most and (above is None or sizes[i] <= DISTINCT * sizes[above]):
            chosen.append(i)
    return sorted(chosen)


def _owner(family: Family, i: int, chosen: set[int]) -> int | None:
    """The smallest chosen clade that a unit belongs to."""
    return next((above for above in line(family, i) if above in chosen), None)


def _living_over_time(family: Family, site: str) -> list[tuple[int, Sequence[int]]]:
    """The units of a site at the start, after each of its events, and at the end."""
    lineage = family.lineage
    found = [(lineage.since, lineage.founders[site])]
    found += [(t.step, living[site]) for t, living in lineage.replay() if t.site == site]
    return [*found, (family.until, found[-1][1])]
