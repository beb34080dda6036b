"""The forest: every idea's improvement with its interval, against what counts and what is luck."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from audition.answers import Judgement
from audition.labels import labels
from audition.report.figures.drawing import Look, band, dots, mark, say
from audition.report.figures.gains import (
    NO_IDEA,
    designs,
    difference,
    foremost,
    gain_axis,
    gains,
    is_paired,
    limits,
    sizes,
)
from audition.report.style import (
    INK,
    LINE,
    MARKER,
    MUTED,
    SIZE,
    SMALL,
    VERDICT,
    WIDTH,
    nothing,
    sheet,
    styled,
    text_width,
)
from audition.text import axis, direction, gain, gain_interval

TITLE = "Improvement of each idea over its baseline"
ROW, MOST = 0.52, 200  # inches of a row; rows that a bitmap can hold


@styled
def forest(judgements: Sequence[Judgement]) -> Figure:
    """One row an idea, in the order given: D with its interval, a dot a seed, the bars to clear."""
    if not judgements:
        return nothing(TITLE, NO_IDEA)
    judgements, rest = foremost(judgements, MOST)
    names = labels([j.comparison.idea for j in judgements])
    verdicts = [_verdict(j) for j in judgements]
    left = 0.5 + max(text_width(names, bold=True), text_width(verdicts, SMALL))
    wide = WIDTH - left - 2.15
    page = sheet(TITLE, _caption(judgements) + rest, height=ROW * len(judgements) + 0.75)
    axes = page.axes(left, 0.6, wide, ROW * len(judgements) + 0.1)
    low, high = limits([_extent(j) for j in judgements])
    axes.set(xlim=(low, high), ylim=(len(judgements) - 0.4, -0.6), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color=INK, lw=1.2, zorder=2, gid="zero")
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel(f"{gain_axis(judgements[0].measure)}: right of zero the idea is better")
    for y, judgement in enumerate(judgements):
        _row(axes, y, judgement, (low, high))
        c, how = judgement.comparison, judgement.measure
        numbers = gain(c.improvement, how) if math.isfinite(c.improvement) else "no estimate"
        spread = f"{c.diverged} of {c.n} diverged" if c.diverged else gain_interval(c.ci, how)
        for side, x, weight, above, below in (
            ("right", -0.45 / wide, "bold", names[y], verdicts[y]),
            ("left", 1 + 0.15 / wide, "normal", numbers, spread),
        ):
            say(axes, x, y - 0.14, above, "row", size=SIZE, ha=side, weight=weight)
            say(axes, x, y + 0.24, below, "row", ha=side, color=MUTED)
        shape, colour = MARKER[c.verdict], VERDICT[c.verdict]
        mark(axes, -0.22 / wide, y, colour, 60, shape, "row", edgecolor=colour, lw=1.0)
    return page.figure


def _row(axes: Axes, y: int, judgement: Judgement, ends: tuple[float, float]) -> None:
    c, colour = judgement.comparison, VERDICT[judgement.comparison.verdict]
    if math.isfinite(c.sesoi):
        band(axes, y, 0.5, -c.sesoi, c.sesoi, gid=f"band-{y}")
    axes.axhline(y + 0.5, color=LINE, lw=0.5, zorder=1)
    seeds = list(gains(judgement).values())
    dots(axes, seeds, y + 0.22, colour, 26, zorder=4, gid=f"seeds-{y}")
    if c.seed_rule is not None and math.isfinite(c.seed_rule.threshold):
        at = c.seed_rule.threshold
        axes.plot([at, at], [y - 0.36, y + 0.1], color=INK, lw=2.2, zorder=3, gid=f"card-{y}")
    if all(map(math.isfinite, c.ci)):
        axes.plot(c.ci, [y - 0.13] * 2, color=colour, lw=2.6, zorder=5, gid=f"interval-{y}")
    if math.isfinite(c.improvement):
        shape, gid = MARKER[c.verdict], f"improvement-{y}"
        mark(axes, c.improvement, y - 0.13, colour, 85, shape, zorder=6, gid=gid)
    for end, arrow in zip(ends, ("<", ">"), strict=True):
        if any(x < end if arrow == "<" else x > end for x in (*c.ci, *seeds)):
            look: Look = {"edgecolor": colour, "lw": 1.0, "clip_on": False, "zorder": 6}
            mark(axes, end, y - 0.13, colour, 70, arrow, **look)


def _extent(judgement: Judgement) -> list[float]:
    c = judgement.comparison
    bar = c.seed_rule.threshold if c.seed_rule is not None else math.nan
    return [*gains(judgement).values(), *c.ci, c.improvement, bar, c.sesoi, -c.sesoi]


def _verdict(judgement: Judgement) -> str:
    c = judgement.comparison
    kind = f", {c.kind}" if c.kind else ""
    return f"{c.verdict}{kind} · {c.n} vs {c.n_baseline} seeds"


def _caption(judgements: Sequence[Judgement]) -> str:
    paired = {is_paired(j) for j in judgements}
    dots = {
        (True,): "its same-seed difference",
        (False,): "its difference from the baseline's mean",
        (False, True): "its same-seed difference (from the baseline's mean where unpaired)",
    }[tuple(sorted(paired))]
    how = judgements[0].measure
    adjusted = " or ".join(dict.fromkeys(j.comparison.adjustment.capitalize() for j in judgements))
    return (
        f"Judged by {axis(how)}, {direction(how)}. Large marks: improvement D, {difference(how)}; "
        f"lines: {designs(judgements)}; {sizes(judgements)}. A dot is "
        f"one seed: {dots}. Shaded: gains within ±δ*, too small to count. Upright ticks: the card's "
        "bar, 2σ of the baseline. "
        f"Verdicts use p adjusted by {adjusted} for a family of "
        f"{max(j.comparison.family_size for j in judgements)}. Arrows: goes on beyond the axis."
    )
