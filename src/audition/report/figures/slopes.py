"""Paired slopes: each seed from baseline to idea, and the differences on an axis of their own."""

import math
from collections.abc import Hashable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from audition.answers import Judgement
from audition.labels import labels
from audition.report.figures.drawing import CROWD, dots, headline, mark, panels, say
from audition.report.figures.gains import (
    NO_IDEA,
    designs,
    finite,
    foremost,
    gains,
    is_paired,
    sizes,
)
from audition.report.style import (
    BAND,
    INK,
    LINE,
    MARKER,
    MUTED,
    SMALL,
    VERDICT,
    apart,
    nothing,
    styled,
)
from audition.text import axis, direction

TITLE = "Every seed, baseline to idea"
PANEL, MOST = 3.35, 40  # inches of a panel's height; panels
LABELLED = 20
"""Seeds of an idea that have room for a label each."""


@styled
def paired_slopes(judgements: Sequence[Judgement]) -> Figure:
    """A panel an idea: values joined seed by seed and labelled; to their right each difference."""
    if not judgements:
        return nothing(TITLE, NO_IDEA)
    judgements, rest = foremost(judgements, MOST)
    page, corners = panels(TITLE, _caption(judgements) + rest, len(judgements), PANEL)
    names = labels([j.comparison.idea for j in judgements])
    for i, (judgement, (left, bottom)) in enumerate(zip(judgements, corners, strict=True)):
        losses = page.axes(left + 0.85, bottom + 0.5, 1.65, PANEL - 1.05)
        headline(losses, names[i], 1.06)
        _losses(losses, i, judgement)
        _differences(page.axes(left + 3.5, bottom + 0.5, 0.8, PANEL - 1.05), i, judgement)
    return page.figure


def _losses(axes: Axes, i: int, judgement: Judgement) -> None:
    baseline, idea = finite(judgement.baseline.levels), finite(judgement.arm.levels)
    colour = VERDICT[judgement.comparison.verdict]
    used = set(judgement.comparison.seeds)
    every = used if is_paired(judgement) else used | baseline.keys()
    width, shared = 1.4 if len(idea) <= LABELLED else 0.6, baseline.keys() & idea.keys()
    if shared:  # as one line that is broken between two seeds
        joined = [y for seed in shared for y in (baseline[seed], idea[seed], math.nan)]
        axes.plot([0, 1, math.nan] * len(shared), joined, color=LINE, lw=width, zorder=1)
    for x, losses, ink, what in ((0, baseline, INK, "baseline"), (1, idea, colour, "idea")):
        axes.scatter(
            [x] * len(losses),
            list(losses.values()),
            s=38,
            facecolor=[ink if seed in every else "none" for seed in losses],
            edgecolor=ink,
            lw=1.2,
            zorder=3,
            rasterized=len(losses) > CROWD,
            gid=f"{what}-{i}",
        )
    diverged = [str(seed) for seed in judgement.arm.losses if seed not in idea]
    if diverged:
        say(axes, 0.5, 1.0, f"× diverged: seed {', '.join(diverged)}", ha="center", size=9.5)
    axes.set(xlim=(-0.25, 1.45), xticks=[0, 1])
    axes.set_xticklabels(["baseline", "idea"])
    axes.set_ylabel(axis(judgement.measure), size=SMALL)
    axes.locator_params(axis="y", nbins=5)
    _pad(axes, [*baseline.values(), *idea.values()])
    _label_seeds(axes, idea, x=1.09)


def _label_seeds(axes: Axes, known: Mapping[Hashable, float], *, x: float) -> None:
    if len(known) > LABELLED:
        return
    low, high = axes.get_ylim()
    size = 9.0 if len(known) <= 12 else 7.0
    spread = apart(list(known.values()), (high - low) * (0.066 if len(known) <= 12 else 0.05))
    for (seed, at), y in zip(known.items(), spread, strict=True):
        axes.plot([x - 0.06, x + 0.05], [at, y], color=LINE, lw=0.6, zorder=0, clip_on=False)
        axes.text(x + 0.07, y, str(seed), size=size, color=MUTED, va="center")


def _differences(axes: Axes, i: int, judgement: Judgement) -> None:
    c, found = judgement.comparison, gains(judgement)
    colour = VERDICT[c.verdict]
    values = list(found.values())
    axes.set(xlim=(-0.6, 1.1), xticks=[0.25])
    axes.set_xticklabels(["difference" if is_paired(judgement) else "from mean"])
    axes.set_ylabel("improvement", size=SMALL, labelpad=4)
    axes.locator_params(axis="y", nbins=5)
    ends = [x for x in c.ci if math.isfinite(x)]
    inside = [*values, 0.0, *([c.improvement] if math.isfinite(c.improvement) else [])]
    spread = (max(inside) - min(inside)) or abs(inside[0]) or 1.0
    # A df of one makes an interval that would leave the dots no room.
    kept = [min(max(x, min(inside) - 1.5 * spread), max(inside) + 1.5 * spread) for x in ends]
    _pad(axes, [*inside, *kept])
    low, high = axes.get_ylim()
    if math.isfinite(c.sesoi):
        axes.axhspan(max(-c.sesoi, low), min(c.sesoi, high), color=BAND, lw=0, zorder=0)
    axes.axhline(0, color=INK, lw=1.2, zorder=1)
    dots(axes, 0, values, colour, gid=f"differences-{i}")
    if ends:
        axes.plot([0.6, 0.6], c.ci, color=colour, lw=2.6, zorder=4, gid=f"interval-{i}")
    if math.isfinite(c.improvement):
        shape, gid = MARKER[c.verdict], f"improvement-{i}"
        mark(axes, 0.6, c.improvement, colour, 80, shape, zorder=5, gid=gid)
    axes.set_ylim(low, high)


def _pad(axes: Axes, values: Sequence[float]) -> None:
    if values:
        low, high = min(values), max(values)
        margin = 0.09 * (high - low) or 0.01 * abs(high) or 0.01
        axes.set_ylim(low - margin, high + margin)


def _caption(judgements: Sequence[Judgement]) -> str:
    how = judgements[0].measure
    labelled = any(len(j.arm.levels) <= LABELLED for j in judgements)
    named = f" and labelled with it, up to {LABELLED} of them" if labelled else ""
    return (
        f"Left of each panel: {how.label} at the end ({direction(how)}), a dot a seed, joined where "
        f"both arms ran it{named}; hollow: a seed the comparison leaves out. Right: "
        f"improvement of each seed (up is better), and D with its {designs(judgements)}; "
        f"{sizes(judgements)}. Shaded: within ±δ*, too small to count. Axes differ between panels."
    )
