"""The race's time line: which idea ran when, on how many seeds, and where it dropped out."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from audition.answers.race_stages import RaceStage
from audition.labels import labels
from audition.measure import Measure
from audition.report.figures.drawing import mark, rows, say
from audition.report.style import (
    INK,
    MUTED,
    SMALL,
    VERDICT,
    WIDTH,
    nothing,
    sheet,
    styled,
    text_width,
)
from audition.text import axis, count, duration, gain

TITLE = "Race: which ideas stayed, and for how long"
ROW = 0.46
KEPT, DROPPED = VERDICT["supported"], VERDICT["refuted"]


@styled
def race_timeline(steps: Sequence[RaceStage], how: Measure) -> Figure:
    """A row an idea in the order they started; a bar a stage, with what decided it.

    `how` reads the gains of the steps.
    """
    if not steps:
        return nothing(TITLE, "No race has been run.")
    steps = sorted(steps, key=lambda s: s.start)
    ideas = list(dict.fromkeys(step.idea for step in steps))
    own = [[step for step in steps if step.idea == idea] for idea in ideas]
    names = labels(ideas)
    left, right = 0.3 + text_width(names, bold=True), 2.5
    page = sheet(TITLE, _caption(steps, len(ideas), how), height=ROW * len(ideas) + 0.7)
    axes = page.axes(left, 0.6, WIDTH - left - right, ROW * len(ideas))
    longest = max(step.end for step in steps) or 1.0
    unit, name = (60.0, "minutes") if longest > 180 else (1.0, "seconds")
    axes.set_xlim(0, longest / unit)
    axes.set_xlabel(f"{name} since the race began", size=SMALL)
    rows(
        axes,
        names,
        lambda y: _row(axes, y, own[y], unit, how),
        bold=lambda y: own[y][-1].kept,
        line=0.0,
    )
    return page.figure


def _row(axes: Axes, y: int, steps: Sequence[RaceStage], unit: float, how: Measure) -> None:
    for step in steps:
        colour = KEPT if step.kept else DROPPED
        start, end = step.start / unit, step.end / unit
        axes.plot([start, end], [y, y], color=colour, lw=9, alpha=0.55, zorder=2)
        # Every seed a dot, evenly along its stage: single runs' own times are not in the steps.
        n = len(step.seeds)
        along = [start + (end - start) * (k + 0.5) / n for k in range(n)]
        axes.scatter(along, [y - 0.24] * n, s=16, color=INK, zorder=3)
        mark(axes, end, y, colour, 62, ">" if step.kept else "X", zorder=4, clip_on=False)
    last = steps[-1]
    total = len({seed for step in steps for seed in step.seeds})
    known = math.isfinite(last.mean_gain)
    said = f"D {gain(last.mean_gain, how)}" if known else "diverged"
    bar = f" (bar {gain(last.threshold, how)})" if math.isfinite(last.threshold) and known else ""
    what = "kept" if last.kept else f"dropped, {last.stage}"
    say(axes, 1.03, y - 0.2, said + bar, "row", size=9.5)
    say(axes, 1.03, y + 0.22, f"{what} · {count(total, 'seed')}", "row", size=9.5, color=MUTED)


def _caption(steps: Sequence[RaceStage], ideas: int, how: Measure) -> str:
    runs = sum(len(step.seeds) for step in steps)
    left = {step.idea for step in steps} - {step.idea for step in steps if not step.kept}
    return (
        f"{count(ideas, 'idea')}, n = {count(runs, 'run')} in "
        f"{duration(max(step.end for step in steps) - min(step.start for step in steps))}; "
        f"{len(left)} still in. A bar is a stage, a dot one of its seeds; an arrow goes on to the "
        "next stage, a cross drops out. D: mean same-seed gain in "
        f"{axis(how)} at the last stage, positive = better, a point estimate without an "
        "interval: the race only screens."
    )
