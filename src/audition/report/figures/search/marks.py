"""How a trial is drawn in every figure of a search: a mark for each state, a strip for the misplaced.

Marks of verdicts are not used: a trial has none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from audition.answers.searches import STATES
from audition.records.studies import Account, State, Trial
from audition.report.figures.search.trials import finite_seeds, fork_of
from audition.report.style import INK, LINE, MUTED, PAPER, SMALL, shortened

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
        axes.scatter(
            [1.03], [y], marker=shape, s=34, color=colour, transform=axes.transAxes, clip_on=False
        )
        axes.text(
            1.05, y, shortened(str(choice), 16), va="center", size=SMALL, transform=axes.transAxes
        )


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
    dots = [(m.x, value) for m in marks for value in finite_seeds(m.trial, objective)]
    inside = [(x, y) for x, y in dots if low <= y <= high]
    if inside:
        axes.scatter(
            [x for x, _ in inside],
            [y for _, y in inside],
            s=7,
            color=colour,
            alpha=0.55,
            lw=0,
            zorder=3,
            gid=f"{panel}-seeds-{branch}",
        )
    looks: Mapping[State, dict[str, object]] = {
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
        word = state.replace(" ", "-")
        if placed:
            axes.scatter(
                [x for x, _ in placed],
                [y for _, y in placed],
                s=size,
                zorder=5,
                gid=f"{panel}-{word}-{branch}",
                **looks[state],  # type: ignore[arg-type]
            )
        if rest:
            axes.scatter(
                rest,
                [STRIP] * len(rest),
                s=size * 0.75,
                zorder=5,
                gid=f"{panel}-{word}-{branch}-beyond",
                transform=axes.get_xaxis_transform(),
                clip_on=False,
                **looks[state],  # type: ignore[arg-type]
            )


def draw_strip(axes: Axes) -> None:
    """The line under the strip."""
    axes.plot([0, 1], [1.0, 1.0], color=LINE, lw=0.8, transform=axes.transAxes, clip_on=False)


def draw_special(
    axes: Axes, default: Mark | None, best: Mark | None, *, panel: int, branch: int
) -> None:
    """The default and the best trial, over the others."""
    low, high = axes.get_ylim()
    for mark, shape, size, colour, name in (
        (best, BEST, 230, BRANCHES[branch][0], "best"),
        (default, DEFAULT, 95, INK, "default"),
    ):
        if mark is not None and mark.y is not None and low <= mark.y <= high:
            axes.scatter(
                [mark.x],
                [mark.y],
                marker=shape,
                s=size,
                color=colour,
                edgecolor=PAPER if name == "default" else INK,
                lw=0.8,
                zorder=7,
                gid=f"{panel}-{name}",
            )
