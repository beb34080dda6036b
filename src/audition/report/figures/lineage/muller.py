"""Muller plots: which clades share the units of a layer, and how that changes over training."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from audition.answers.lineage.family import Family
from audition.report.figures.drawing import headline, panels, say
from audition.report.figures.lineage.clades import REST, Clades, clades_of, panel_name, shown_sites
from audition.report.style import PAPER, SMALL, nothing, styled

TITLE = "Who takes over"
PANEL = 2.9  # inches


@styled
def muller(family: Family) -> Figure:
    """A panel a site: the living units, in bands of clades, a clade within that of its parent."""
    sites = shown_sites(family)
    if not sites:
        return nothing(TITLE, "No unit has died yet.")
    page, corners = panels(TITLE, _caption(family, len(sites)), len(sites), PANEL)
    for site, (left, bottom) in zip(sites, corners, strict=True):
        axes = page.axes(left + 0.85, bottom + 0.62, 3.3, 1.85)
        _panel(axes, clades_of(family, site))
        headline(axes, panel_name(site))
    return page.figure


def _panel(axes: Axes, clades: Clades) -> None:
    bands = bands_of(clades)
    colours = [REST if each is None else clades.colours[each] for each, _ in bands]
    total = [sum(heights) for heights in zip(*(values for _, values in bands), strict=True)]
    shares = [[v / t for v, t in zip(values, total, strict=True)] for _, values in bands]
    drawn = axes.stackplot(clades.steps, shares, colors=colours, lw=0.3, edgecolor=PAPER)
    for (clade, _), area in zip(bands, drawn, strict=True):
        area.set_gid(f"clade-{clade}")
    axes.set(xlim=(clades.steps[0], max(clades.steps[-1], clades.steps[0] + 1)), ylim=(0, 1))
    axes.set_ylabel("share of the units")
    axes.set_xlabel("step", size=SMALL)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.locator_params(axis="x", nbins=5)
    axes.set_yticks([0, 0.5, 1])
    for step in clades.steps[1:-1]:
        axes.axvline(step, color=PAPER, lw=0.4)
    if not clades.order:
        say(axes, 0.5, 0.5, "every unit is its own", ha="center")


def bands_of(clades: Clades) -> list[tuple[int | None, Sequence[float]]]:
    """Clade, and its height at each step, from below; a clade lies on both sides of those within it.

    The rest comes first, in one band.
    """
    bands: list[tuple[int | None, Sequence[float]]] = [
        (None, [float(n) for n in clades.counts[None]])
    ]
    waiting: list[tuple[int, bool]] = [(each, False) for each in reversed(clades.inside(None))]
    while waiting:
        clade, closing = waiting.pop()
        inside = clades.inside(clade)
        part = 0.5 if inside else 1.0
        bands.append((clade, [part * n for n in clades.counts[clade]]))
        if inside and not closing:
            waiting.append((clade, True))
            waiting += [(each, False) for each in reversed(inside)]
    return bands


def _caption(family: Family, sites: int) -> str:
    events = len({turn.step for turn in family.lineage.turns})
    every = sum(1 for ids in family.lineage.founders.values() if ids)
    few = f" Drawn are {sites} of {every} layers." if sites < every else ""
    return (
        "A colour is a clade, a unit with all its descendants along first parents, of the largest that "
        "a layer ever had; one lies within that of its parent. Grey: all other units. Thin lines: "
        f"events, n = {events}; between them the shares are drawn as changing evenly, though they "
        f"change at the events alone. Colours are no verdicts.{few}"
    )
