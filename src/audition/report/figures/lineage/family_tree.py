"""Family trees: the largest dynasties of each layer, every unit as a line from birth to death."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from audition.answers.lineage.family import Family, Unit
from audition.report.figures.drawing import headline, panels, say
from audition.report.figures.lineage.clades import PALETTE, panel_name, shown_sites, tree_under
from audition.report.style import MUTED, SMALL, nothing, styled

TITLE = "Who descends from whom"
PANEL = 4.4  # inches
LINES = 60
"""The most units in a panel; half of them in one tree."""


@styled
def family_tree(family: Family) -> Figure:
    """A panel a site: its dynasties with the most descendants, as many as have room."""
    sites = shown_sites(family)
    if not sites:
        return nothing(TITLE, "No unit has died yet.")
    page, corners = panels(TITLE, _caption(family), len(sites), PANEL)
    for site, (left, bottom) in zip(sites, corners, strict=True):
        axes = page.axes(left + 0.55, bottom + 0.62, 3.6, 3.35)
        trees, every = chosen_trees(family, site)
        _panel(axes, family, trees)
        headline(axes, panel_name(site), 1.03)
        shown = sum(map(len, trees))
        said = f"{len(trees)} of {every} dynasties, {shown} units"
        say(axes, 1.0, 1.05, said, ha="right", va="bottom", color=MUTED)
    return page.figure


def chosen_trees(family: Family, site: str, most: int = LINES) -> tuple[list[list[Unit]], int]:
    """The largest trees of a site that fit into so many lines, and how many have any descendant.

    A tree of more than half of them shows its first units.
    """
    founders = [u for u in family.units.values() if u.site == site and u.founder]
    trees = [tree_under(family, u.id) for u in founders if family.children[u.id]]
    trees = sorted(
        (tree for tree in trees if len(tree) > 1), key=lambda tree: (-len(tree), tree[0].id)
    )
    found: list[list[Unit]] = []
    room = most
    for tree in trees:
        if min(len(tree), most // 2) <= room:
            kept = {u.id for u in sorted(tree, key=lambda u: u.id)[: most // 2]}
            found.append([u for u in tree if u.id in kept])
            room -= len(found[-1])
    return found, len(trees)


def _panel(axes: Axes, family: Family, trees: list[list[Unit]]) -> None:
    row = 0.0
    for place, tree in enumerate(trees):
        colour = PALETTE[place % len(PALETTE)]
        at: dict[int, float] = {}
        for unit in tree:
            at[unit.id] = row
            end = family.until if unit.died is None else unit.died
            axes.plot((unit.born, end), (row, row), color=colour, lw=1.3, gid=f"unit-{unit.id}")
            if unit.died is not None:
                axes.plot(end, row, "|", color=colour, ms=4.5, mew=1.2)
            parent = unit.first_parent
            if parent in at:
                axes.plot(
                    (unit.born, unit.born), (at[parent], row), color=colour, lw=0.6, alpha=0.8
                )
            row += 1.0
        row += 0.8
    axes.set(ylim=(row - 0.3, -0.9), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.set_xlim(family.lineage.since, max(family.until, family.lineage.since + 1))
    axes.set_xlabel("step", size=SMALL)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.locator_params(axis="x", nbins=5)
    if not trees:
        say(axes, 0.5, 0.5, "no unit has a child", ha="center", color=MUTED)


def _caption(family: Family) -> str:
    two = any(len(unit.parents) > 1 for unit in family.units.values())
    first = " A child of two parents hangs on the one it has most of." if two else ""
    return (
        "A line is a unit, from its birth to its death (a stroke) or to the end; it begins at its "
        "parent's line. A colour is a dynasty: a unit that was drawn, and its descendants. Shown are "
        f"the largest of each layer, of each its first {LINES // 2} units.{first} Colours are no "
        "verdicts."
    )
