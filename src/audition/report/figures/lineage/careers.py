"""Careers of units: the class of tokens that each responds to most, look after look."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from audition.answers.specialization import TWINS, Careers
from audition.report.figures.drawing import headline, panels, say
from audition.report.figures.lineage.clades import PALETTE, PANELS, panel_name
from audition.report.style import INK, SMALL, nothing, styled

TITLE = "What units respond to, over time"
PANEL = 3.0  # inches


@styled
def unit_careers(careers: Careers) -> Figure:
    """A panel a layer: a line a unit, a column a look, coloured by its class; redundancy over it."""
    sites = list(dict.fromkeys(look.site for looks in careers.values() for look in looks))[:PANELS]
    if not sites:
        return nothing(TITLE, "No unit was looked at (logger=[profiles]).")
    every = [look for looks in careers.values() for look in looks]
    kinds = sorted({look.kind for look in every}, key=lambda k: -sum(x.kind == k for x in every))
    colours = {kind: PALETTE[i % len(PALETTE)] for i, kind in enumerate(kinds)}
    page, corners = panels(TITLE, _caption(), len(sites), PANEL, head=0.3)
    for site, (left, bottom) in zip(sites, corners, strict=True):
        axes = page.axes(left + 0.85, bottom + 0.62, 3.0, PANEL - 1.1)
        _panel(axes, {i: each for i, each in careers.items() if each[0].site == site}, colours)
        headline(axes, panel_name(site))
    key = page.axes(0.3, PANEL * ((len(sites) + 1) // 2), 8.4, 0.25)
    key.set_axis_off()
    for i, (kind, colour) in enumerate(colours.items()):
        say(key, i / len(colours), 0.4, f"■ {kind}", color=colour)
    return page.figure


def _panel(axes: Axes, careers: Careers, colours: dict[str, str]) -> None:
    steps = sorted({look.step for looks in careers.values() for look in looks})
    column = {step: i for i, step in enumerate(steps)}
    names = list(colours)
    order = sorted(
        careers,
        key=lambda i: (
            careers[i][0].step > steps[0],
            names.index(careers[i][-1].kind),
            careers[i][0].step,
            i,
        ),
    )
    picture = np.ones((len(order), len(steps), 3))
    for row, i in enumerate(order):
        for look in careers[i]:
            picture[row, column[look.step]] = to_rgb(colours[look.kind])
    axes.imshow(picture, aspect="auto", interpolation="nearest", gid="careers")
    axes.set_xticks([0, len(steps) - 1], [f"{steps[0]:,}", f"{steps[-1]:,}"])
    axes.set_xlabel("step of the look", size=SMALL)
    axes.set_ylabel("units")
    share = [
        np.mean(
            [x.redundancy >= TWINS for each in careers.values() for x in each if x.step == step]
        )
        for step in steps
    ]
    other = axes.twinx()
    other.plot(range(len(steps)), share, ".-", color=INK, lw=1.6, ms=6, gid="redundant")
    other.set(ylim=(0, 1), yticks=[0, 1])
    other.set_ylabel("redundant", size=SMALL)


def _caption() -> str:
    return (
        "A line is a unit, a colour the class of tokens that it responds to most, at each look; white: "
        "it was not born yet, or had died. Above are the units from the start, below those that were "
        "made during the run, by their last class. Black: the share of living units whose responses "
        f"have a correlation of {TWINS} or more with those of another unit of the layer."
    )
