"""The residual map: what is left of each run's result once its arm and its seed are accounted for."""

import math
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from audition.answers import Judgement
from audition.labels import labels
from audition.measure import Measure
from audition.report.figures.drawing import rows, say
from audition.report.figures.gains import NO_IDEA, finite, foremost
from audition.report.style import (
    DIVERGING,
    LINE,
    MUTED,
    ON_CELL,
    SMALL,
    WIDTH,
    nothing,
    sheet,
    styled,
    text_width,
)
from audition.text import axis, capital, gain, places, plain_level

TITLE = "Residuals: arm by seed"
ROW, MOST = 0.4, 200
THIN, LEGIBLE = (
    0.05,
    0.14,
)  # inches of a cell that has an outline, and of one that has its seed over it
MOST_CELLS = 2000
"""Cells above which they are a bitmap, within the SVG too."""


def residuals(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Residuals [arms, seeds] of loss = arm + seed, fitted where there is a loss; NaN elsewhere.

    Least squares, so that a missing or diverged run costs its own cell alone.
    """
    arms, seeds = losses.shape
    if arms > seeds:  # the seeds' effects are eliminated, which leaves a system of the arms alone
        return residuals(losses.T).T
    known = np.isfinite(losses)
    left = np.full_like(losses, np.nan)
    if not known.any():
        return left
    centred = np.where(known, losses - losses[known].mean(), 0.0)
    a_seed = np.maximum(known.sum(axis=0), 1)
    share = known / a_seed
    system = np.diag(known.sum(axis=1)) - share @ known.T
    right = centred.sum(axis=1) - share @ centred.sum(axis=0)
    arm = np.linalg.lstsq(system, right, rcond=None)[0][:, None]
    seed = (centred - arm * known).sum(axis=0) / a_seed
    left[known] = (centred - arm - seed)[known]
    return left


@styled
def residual_map(judgements: Sequence[Judgement]) -> Figure:
    """A row an arm (the baseline first), a column a seed, each cell what is left over."""
    if not judgements:
        return nothing(TITLE, NO_IDEA)
    judgements, rest = foremost(judgements, MOST)
    how = judgements[0].measure
    arms = [("baseline", judgements[0].baseline.losses)]
    arms += [(j.comparison.idea, j.arm.losses) for j in judgements]
    seeds = _seeds([losses for _, losses in arms])
    numbers = [finite(losses) for _, losses in arms]
    table = np.array([[own.get(seed, math.nan) for seed in seeds] for own in numbers])
    left = residuals(table)
    known = left[np.isfinite(left)]
    # As many parameters as cells leave nothing over: one seed, or no seed in common.
    if len(seeds) < 2 or known.size < 4 or not np.abs(known).max() > 1e-12:
        return nothing(TITLE, "It takes two arms with two seeds in common to see residuals.")
    names = labels([name for name, _ in arms])
    margin = 0.3 + text_width(names)
    tall = ROW * len(arms)
    page = sheet(TITLE, _caption(left, len(arms), len(seeds), how) + rest, height=tall + 0.55)
    width = min(WIDTH - margin - 1.35, 0.95 * len(seeds))
    axes = page.axes(margin, 0.18, width, tall)
    reach = float(np.abs(known).max())
    edges = np.arange(len(seeds) + 1.0), np.arange(len(arms) + 1.0) - 0.5
    cell = width / len(seeds)
    mesh = axes.pcolormesh(
        *edges,
        left,
        cmap=DIVERGING,
        vmin=-reach,
        vmax=reach,
        edgecolor=LINE if cell > THIN else "face",
        lw=0.6 if cell > THIN else 0.0,
        rasterized=left.size > MOST_CELLS,
        gid="cells",
    )
    axes.set(xlim=(0, len(seeds)), xticks=[])
    axes.spines["bottom"].set_visible(False)
    rows(axes, names, lambda y: _row(axes, y, seeds, left[y], arms[y][1], cell, how), line=None)
    size = SMALL if cell > 0.4 else 7.5
    each = math.ceil(LEGIBLE / cell)
    for x, seed in list(enumerate(seeds))[::each]:
        said = f"seed {seed}" if cell > 0.7 else str(seed)
        say(axes, x + 0.5, -0.62, said, "data", ha="center", va="bottom", size=size)
    bar = page.axes(margin + width + 0.3, 0.18, 0.16, tall)
    scale = page.figure.colorbar(mesh, cax=bar, ticks=[-reach, 0, reach])
    assert scale.solids is not None
    scale.solids.set_edgecolor("face")  # or the page shows between its levels
    ends = (gain(how.as_loss(loss), how) for loss in (-reach, reach))
    bar.set_yticklabels([next(ends), "0", next(ends)], size=SMALL)
    bar.tick_params(length=0)
    bar.yaxis.set_inverted(how.better == "higher")
    bar.spines["outline"].set_visible(False)
    return page.figure


def _row(
    axes: Axes,
    y: int,
    seeds: Sequence[Hashable],
    left: NDArray[np.float64],
    losses: Mapping[Hashable, float | None],
    cell: float,
    how: Measure,
) -> None:
    """What each cell of a row says; `cell` is the width of one in inches."""
    for x, (seed, value) in enumerate(zip(seeds, left, strict=True)):
        if not math.isfinite(value):
            text = "diverged" if losses.get(seed) is not None else "no run"
            text, size, colour = text if cell > 0.7 else text[:1], 9.0, MUTED
        elif cell > 0.55:
            text = gain(how.as_loss(round(value, places(how))) + 0.0, how)
            size, colour = 9.5 if cell > 0.7 else 7.5, ON_CELL
        else:
            continue
        say(axes, x + 0.5, y, text, "data", ha="center", size=size, color=colour)


def _seeds(arms: Sequence[Mapping[Hashable, float | None]]) -> list[Hashable]:
    """Every seed that any arm ran, the baseline's own order first."""
    return list(dict.fromkeys(seed for losses in arms for seed in losses))


def _caption(left: NDArray[np.float64], arms: int, seeds: int, how: Measure) -> str:
    what = capital(axis(how))
    known = left[np.isfinite(left)]
    df = max(known.size - arms - seeds + 1, 1)
    spread = math.sqrt(float((known**2).sum()) / df)
    return (
        f"{what} minus arm effect minus seed effect, n = {known.size} runs; their "
        f"residual sd is {plain_level(spread, how)} on {df} degrees of freedom (a point estimate, no "
        "interval). "
        "A row of one colour's extremes is an arm with noise of its own; a single deep cell is a "
        "run to look at. Blue: a better result than arm and seed explain."
    )
