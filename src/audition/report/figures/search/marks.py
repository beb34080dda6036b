"""How a trial is drawn in every figure of a search: a mark for each state, a strip for the misplaced.

Marks of verdicts are not used: a trial has none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from audition.answers.searches import STATES
from audition.labels import shortened
from audition.records.studies import Account, State, Trial
from audition.report.figures.drawing import Look, dots, mark, say
from audition.report.figures.search.trials import finite_seeds, fork_of
from audition.report.style import INK, LINE, MUTED, PAPER

BRANCHES = (("#4a86c8", "o"), ("#d19100", "s"), ("#9a66c4", "p"), ("#6f8a3a", "h"))
"""Colour and shape of each branch of a space; of a space without any the first."""
DEFAULT, BEST = "P", "*"
STRIP = 1.07
"""Height of the strip over an axis, in heights of the axis."""


@dataclass(frozen=True)
class Mark:
    """A trial, and where it stands."""

    trial: Trial
    x: float
    y: float | None  # None: it has no value, or none that is a number


def draw_legend(axes: Axes, account: Account, top: float) -> None:
    """The branches by name, in the margin on the right of an axis, from `top` down."""
    fork = fork_of(account)
    tall = axes.get_position().height * axes.figure.get_figheight()  # type: ignore[union-attr]
    for i, choice in enumerate(fork.choices if fork is not None else ()):
        y = top - i * 0.21 / tall
        colour, shape = BRANCHES[i % len(BRANCHES)]
        mark(axes, 1.03, y, colour, 34, shape, "axes", edgecolor=colour, lw=1.0)
        say(axes, 1.05, y, shortened(str(choice), 16))


def draw_marks(
    axes: Axes,
    marks: Sequence[Mark],
    objective: int,
    *,
    panel: int,
    branch: int,
    size: float = 46,
) -> None:
    """The trials of one branch on an axis whose limits are set, every seed a dot.

    `panel` keeps the names of what is drawn apart from those of the figure's other axes.
    """
    colour, shape = BRANCHES[branch]
    low, high = axes.get_ylim()
    seeds = [(m.x, value) for m in marks for value in finite_seeds(m.trial, objective)]
    inside = [(x, y) for x, y in seeds if low <= y <= high]
    if inside:
        x, y = zip(*inside, strict=True)
        dots(axes, x, y, colour, 7, alpha=0.55, gid=f"{panel}-seeds-{branch}")
    looks: Mapping[State, dict[str, Any]] = {
        "whole": {"marker": shape, "facecolor": colour, "edgecolor": PAPER, "lw": 0.6},
        "given up": {"marker": shape, "facecolor": PAPER, "edgecolor": colour, "lw": 1.3},
        "under way": {"marker": shape, "facecolor": LINE, "edgecolor": MUTED, "lw": 0.8},
        "diverged": {"marker": "x", "color": INK, "lw": 1.6},
        "failed": {"marker": "|", "color": MUTED, "lw": 1.8},
    }
    for state in STATES:
        own = [m for m in marks if m.trial.state == state]
        placed = [(m.x, m.y) for m in own if m.y is not None and m.y <= high]
        rest = [m.x for m in own if m.y is None or m.y > high]
        gid = f"{panel}-{state.replace(' ', '-')}-{branch}"
        if placed:
            x, y = zip(*placed, strict=True)
            axes.scatter(x, y, s=size, zorder=5, gid=gid, **looks[state])
        if rest:
            strip: Look = {"transform": axes.get_xaxis_transform(), "clip_on": False} | looks[state]
            on = [STRIP] * len(rest)
            axes.scatter(rest, on, s=size * 0.75, zorder=5, gid=f"{gid}-beyond", **strip)


def draw_strip(axes: Axes) -> None:
    """The line under the strip."""
    axes.plot([0, 1], [1.0, 1.0], color=LINE, lw=0.8, transform=axes.transAxes, clip_on=False)


def draw_special(
    axes: Axes, default: Mark | None, best: Mark | None, *, panel: int, branch: int
) -> None:
    """The default and the best trial, over the others."""
    low, high = axes.get_ylim()
    for special, shape, size, colour, edge, name in (
        (best, BEST, 230, BRANCHES[branch][0], INK, "best"),
        (default, DEFAULT, 95, INK, PAPER, "default"),
    ):
        if special is not None and special.y is not None and low <= special.y <= high:
            look: Look = {"edgecolor": edge, "zorder": 7, "gid": f"{panel}-{name}"}
            mark(axes, special.x, special.y, colour, size, shape, **look)
