"""Before a fair fight: the metric against what was tuned, of the baseline and its rivals."""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from audition.labels import labels
from audition.records.tuned import Contender, Try, Tuned
from audition.report.figures.drawing import Look, dots, headline, legend, mark, panels
from audition.report.figures.gains import span
from audition.report.figures.search.trials import turn
from audition.report.style import INK, MUTED, SMALL, WIDTH, styled
from audition.text import axis, capital, count, direction

TITLE = "Each at its best: what was tuned"
PANEL = 3.1  # inches of a panel's height
DECADE = 4.0
"""Ratio of largest to smallest value from which an axis is logarithmic."""


@styled
def tuned_curves(tuned: Tuned, colours: Mapping[str, str]) -> Figure:
    """A panel for each rival and tuned key; colours: config hash of a rival's best -> its ink."""
    base, *rivals = tuned.contenders
    shown = list(product(rivals, tuned.keys))
    page, corners = panels(TITLE, _caption(tuned), len(shown), PANEL)
    names = dict(zip((r.name for r in rivals), labels([r.name for r in rivals]), strict=True))
    wide = 3.35 if len(shown) > 1 else WIDTH - 1.2
    for i, ((rival, key), (left, bottom)) in enumerate(zip(shown, corners, strict=True)):
        axes = page.axes(left + 0.92, bottom + 0.6, wide, PANEL - 1.0)
        headline(axes, names[rival.name])
        best = rival.best(tuned.seeds)
        ink = colours.get(best.config_hash if best else "", MUTED)
        places = _places([base, rival], key)
        _arm(axes, f"baseline-{i}", base, key, tuned, INK, places)
        _arm(axes, f"rival-{i}", rival, key, tuned, ink, places)
        _axis(axes, key, places)
        axes.set_ylabel(axis(tuned.measure), size=SMALL)
        _limits(axes, [base, rival])
        turn(axes.yaxis, tuned.measure)
        legend(axes, (0.98, 0.88), (("baseline", INK), ("rival", ink)))
    return page.figure


Places = Mapping[Any, float]
"""Value of a key -> where it stands on the axis."""


def _places(contenders: Sequence[Contender], key: str) -> Places:
    values = {t.values[key] for c in contenders for t in c.tries if key in t.values}
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return {value: float(value) for value in values}
    return {value: float(i) for i, value in enumerate(sorted(values, key=str))}


def _axis(axes: Axes, key: str, places: Places) -> None:
    axes.set_xlabel(key, size=SMALL)
    spots = sorted(set(places.values()))
    if any(value != place for value, place in places.items()):
        axes.set_xticks(spots, [str(value) for value in sorted(places, key=str)])
    elif spots and spots[0] > 0 and spots[-1] / spots[0] >= DECADE:
        axes.set_xscale("log")
        if len(spots) <= 8:
            axes.set_xticks(spots, [f"{spot:g}" for spot in spots])
        else:  # powers of ten; what matplotlib writes of them is TeX, which is not set here
            axes.xaxis.set_major_formatter(FuncFormatter(lambda spot, _: f"{spot:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())


def _arm(
    axes: Axes,
    name: str,
    contender: Contender,
    key: str,
    tuned: Tuned,
    colour: str,
    places: Places,
) -> None:
    """Small dots for seeds, a mark for the mean; a ring around the best, a square for the default."""
    tries = sorted(
        (t for t in contender.tries if key in t.values), key=lambda t: _x(t, key, places)
    )
    for tried in tries:
        losses = [loss for loss in tried.losses.values() if loss is not None]
        x = _x(tried, key, places)
        dots(axes, x, losses, colour, 10, alpha=0.5, zorder=2)
    whole = [t for t in tries if math.isfinite(t.mean)]
    xs, means = [_x(t, key, places) for t in whole], [t.mean for t in whole]
    axes.plot(
        *(xs, means),
        marker="o",
        ms=4.5,
        lw=1.6 if tuned.lattice else 0,
        color=colour,
        zorder=4,
        gid=f"{name}-mean",
    )
    for tried in tries:
        if not math.isfinite(tried.mean):
            x, gid = _x(tried, key, places), f"{name}-diverged"
            mark(axes, x, 0.97, colour, 45, "x", "column", lw=1.8, zorder=5, gid=gid)
    marks = (
        (contender.best(tuned.seeds), "o", 130, "best"),
        (contender.tries[0], "s", 75, "default"),
    )
    for marked, shape, size, what in marks:
        if marked is not None and key in marked.values and math.isfinite(marked.mean):
            look: Look = {"facecolor": "none", "edgecolor": colour, "lw": 1.4, "zorder": 5}
            x, gid = _x(marked, key, places), f"{name}-{what}"
            mark(axes, x, marked.mean, colour, size, shape, gid=gid, **look)


def _limits(axes: Axes, contenders: Sequence[Contender]) -> None:
    """Room for what matters: the best losses; a value that ruined a run leaves the picture."""
    means = sorted(t.mean for c in contenders for t in c.tries if math.isfinite(t.mean))
    if len(means) < 2:
        return
    losses = [x for c in contenders for t in c.tries for x in t.losses.values() if x is not None]
    low, middle = min(losses), means[len(means) // 2]
    high = min(max(losses), low + 6 * (middle - low))
    if high > low:
        axes.set_ylim(low - 0.06 * (high - low), high + 0.22 * (high - low))


def _x(tried: Try, key: str, places: Places) -> float:
    return places[tried.values[key]]


def _caption(tuned: Tuned) -> str:
    many = span(len(c.tries) for c in tuned.contenders)
    return (
        f"{capital(axis(tuned.measure))}, {direction(tuned.measure)}, of the screening seeds (dots, "
        f"n = {count(len(tuned.seeds), 'seed')} a value) "
        f"and their mean; {many} trials an arm, each around its own default (square); the ring is the "
        "best, which alone went on to the fresh seeds. × marks values at which a run diverged; what "
        "is far worse is cut off."
    )
