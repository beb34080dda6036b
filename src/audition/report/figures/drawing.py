"""What all figures draw alike: seeds as dots, estimates as marks, words, rows and panels."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, Literal, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Transform
from numpy.typing import ArrayLike

from audition.report.style import BAND, LINE, PAPER, SIZE, SMALL, WIDTH, Sheet, sheet

COLUMNS = 2  # panels side by side
Drawn = TypeVar("Drawn")
Look = dict[str, Any]
"""Settings of matplotlib for one drawing."""

Place = Literal["data", "axes", "row", "column"]
"""How x and y are counted: both in data, both in widths and heights of the axes, or one in each: in a
row y is data, in a column x is."""


def dots(
    axes: Axes, x: ArrayLike, y: ArrayLike, colour: str, size: float = 38.0, **look: Any
) -> None:
    """A dot for each seed; one of x and y may be a single number."""
    x, y = np.broadcast_arrays(x, y)
    seen: Look = {"alpha": 0.75, "zorder": 3, "rasterized": x.size > CROWD} | look
    axes.scatter(x, y, s=size, color=colour, lw=0, **seen)


CROWD = 200
"""Dots of one colour above which they are a bitmap, within the SVG too: a page of them is megabytes."""
SEEDS = 40
"""Seeds of an arm that are drawn each by itself; beyond, lines hide each other, and take minutes."""


def some(series: Mapping[int, Drawn]) -> list[tuple[int, Drawn]]:
    """The seeds that are drawn by themselves: the first `SEEDS`."""
    return list(islice(series.items(), SEEDS))


def some_of(most: int) -> str:
    """For a caption, that not each of so many seeds is drawn; empty where all of them are."""
    if most <= SEEDS:
        return ""
    return f" Of each arm the first {SEEDS} of up to {most:,} seeds are drawn; means are of all."


def mark(
    axes: Axes,
    x: ArrayLike,
    y: ArrayLike,
    colour: str,
    size: float,
    shape: str = "o",
    at: Place = "data",
    **look: Any,
) -> None:
    """Marks, thinly edged in the colour of the paper; what is beside the data is not cut off."""
    if at != "data":
        look = {"transform": _transform(axes, at), "clip_on": False} | look
    if shape not in "x|_":  # strokes have no edge
        look = {"edgecolor": PAPER, "lw": 0.8} | look
    axes.scatter(x, y, s=size, marker=shape, color=colour, **look)


def band(axes: Axes, y: float, half: float, low: float, high: float, *, gid: str) -> None:
    """A shaded stretch of a row, `half` a height on either side of y."""
    axes.fill_betweenx([y - half, y + half], low, high, color=BAND, lw=0, zorder=0, gid=gid)


def say(axes: Axes, x: float, y: float, text: str, at: Place = "axes", **look: Any) -> None:
    """Small text, set around the height y, from x to the right."""
    set_as: Look = {"size": SMALL, "va": "center", "transform": _transform(axes, at)} | look
    axes.text(x, y, text, **set_as)


def headline(axes: Axes, text: str, y: float = 1.04) -> None:
    """The bold name of a panel, over its left corner."""
    say(axes, 0, y, text, size=SIZE, va="bottom", weight="bold")


def legend(axes: Axes, heights: Sequence[float], entries: Sequence[tuple[str, str]]) -> None:
    """Names and colours against the right edge of a panel, at these heights."""
    va = "top" if heights[0] > 0.5 else "bottom"
    for height, (text, colour) in zip(heights, entries, strict=True):
        say(axes, 1.0, height, f"● {text}", ha="right", va=va, color=colour)


def rows(
    axes: Axes,
    names: Sequence[str],
    draw: Callable[[int], None],
    *,
    bold: Callable[[int], bool] = lambda y: y == 0,
    line: float | None = -0.5,
) -> None:
    """Axes of one row a name, from the top down: the name on its left, a thin line, `draw(row)`.

    `line` is where that line runs, counted from the middle of its row.
    """
    axes.set(ylim=(len(names) - 0.5, -0.5), yticks=[])
    axes.spines["left"].set_visible(False)
    for y, name in enumerate(names):
        if line is not None and -0.5 < y + line < len(names) - 0.5:
            axes.axhline(y + line, color=LINE, lw=0.5, zorder=0)
        weight = "bold" if bold(y) else "normal"
        say(axes, -0.02, y, name, at="row", size=SIZE, ha="right", weight=weight)
        draw(y)


def panels(
    title: str, caption: str, count: int, tall: float, *, head: float = 0.0
) -> tuple[Sheet, list[tuple[float, float]]]:
    """A sheet for so many panels, two in a line, and their lower left corners; all in inches.

    `tall` is a panel's height, `head` the room over them.
    """
    lines = math.ceil(count / COLUMNS)
    corners = [
        (i % COLUMNS * WIDTH / COLUMNS, (lines - 1 - i // COLUMNS) * tall) for i in range(count)
    ]
    return sheet(title, caption, height=lines * tall + head), corners


def _transform(axes: Axes, at: Place) -> Transform:
    return {
        "data": axes.transData,
        "axes": axes.transAxes,
        "row": axes.get_yaxis_transform(),
        "column": axes.get_xaxis_transform(),
    }[at]
