"""The forest: every idea's improvement with its interval, against what counts and what is luck."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from audition.answers import Judgement
from audition.report.figures.gains import (
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
    BAND,
    INK,
    LINE,
    MARKER,
    MUTED,
    PAPER,
    SMALL,
    VERDICT,
    WIDTH,
    labels,
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
        return nothing(TITLE, "No idea has been judged yet.")
    judgements, rest = foremost(judgements, MOST)
    names = labels([j.comparison.idea for j in judgements])
    verdicts = [_verdict(j) for j in judgements]
    left = 0.5 + max(text_width(names, bold=True), text_width(verdicts, SMALL))
    right = 2.15
    height = ROW * len(judgements) + 0.75
    page = sheet(TITLE, _caption(judgements) + rest, height=height)
    axes = page.axes(left, 0.6, WIDTH - left - right, ROW * len(judgements) + 0.1)
    low, high = limits([_extent(j) for j in judgements])
    axes.set(xlim=(low, high), ylim=(len(judgements) - 0.4, -0.6), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color=INK, lw=1.2, zorder=2, gid="zero")
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel(f"{gain_axis(judgements[0].measure)}: right of zero the idea is better")
    for y, judgement in enumerate(judgements):
        _row(axes, y, judgement, (low, high))
        c = judgement.comparison
        for text, up, size, weight, colour in (
            (names[y], -0.14, 12, "bold", INK),
            (verdicts[y], 0.24, SMALL, "normal", MUTED),
        ):
            _beside(
                axes, -0.45 / (WIDTH - left - right), y + up, text, size, weight, colour, "right"
            )
        known = math.isfinite(c.improvement)
        numbers = gain(c.improvement, judgement.measure) if known else "no estimate"
        spread = (
            f"{c.diverged} of {c.n} diverged"
            if c.diverged
            else gain_interval(c.ci, judgement.measure)
        )
        side = 1 + 0.15 / (WIDTH - left - right)
        _beside(axes, side, y - 0.14, numbers, 12, "normal", INK, "left")
        _beside(axes, side, y + 0.24, spread, SMALL, "normal", MUTED, "left")
        axes.scatter(
            -0.22 / (WIDTH - left - right),
            y,
            marker=MARKER[c.verdict],
            s=60,
            color=VERDICT[c.verdict],
            transform=axes.get_yaxis_transform(),
            clip_on=False,
        )
    return page.figure


def _row(axes: Axes, y: int, judgement: Judgement, ends: tuple[float, float]) -> None:
    c, colour = judgement.comparison, VERDICT[judgement.comparison.verdict]
    if math.isfinite(c.sesoi):
        axes.fill_betweenx(
            [y - 0.5, y + 0.5], -c.sesoi, c.sesoi, color=BAND, lw=0, zorder=0, gid=f"band-{y}"
        )
    axes.axhline(y + 0.5, color=LINE, lw=0.5, zorder=1)
    seeds = list(gains(judgement).values())
    axes.scatter(
        seeds,
        [y + 0.22] * len(seeds),
        s=26,
        color=colour,
        alpha=0.75,
        lw=0,
        zorder=4,
        gid=f"seeds-{y}",
    )
    if c.seed_rule is not None and math.isfinite(c.seed_rule.threshold):
        at = c.seed_rule.threshold
        axes.plot([at, at], [y - 0.36, y + 0.1], color=INK, lw=2.2, zorder=3, gid=f"card-{y}")
    if all(map(math.isfinite, c.ci)):
        axes.plot(c.ci, [y - 0.13] * 2, color=colour, lw=2.6, zorder=5, gid=f"interval-{y}")
    if math.isfinite(c.improvement):
        axes.scatter(
            [c.improvement],
            [y - 0.13],
            marker=MARKER[c.verdict],
            s=85,
            color=colour,
            edgecolor=PAPER,
            lw=0.8,
            zorder=6,
            gid=f"improvement-{y}",
        )
    for end, mark in zip(ends, ("<", ">"), strict=True):
        beyond = [x for x in (*c.ci, *seeds) if (x < end if mark == "<" else x > end)]
        if beyond:
            axes.scatter(
                [end], [y - 0.13], marker=mark, s=70, color=colour, clip_on=False, zorder=6
            )


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
        f"lines: {designs(judgements)}, not adjusted for the family; {sizes(judgements)}. A dot is "
        f"one seed: {dots}. Shaded: gains within ±δ*, too small to count. Upright ticks: the card's "
        "bar, 2σ of the baseline. "
        f"Verdicts use p adjusted by {adjusted} for a family of "
        f"{max(j.comparison.family_size for j in judgements)}. Arrows: goes on beyond the axis."
    )


def _beside(
    axes: Axes, x: float, y: float, text: str, size: float, weight: str, colour: str, side: str
) -> None:
    axes.text(
        x,
        y,
        text,
        size=size,
        weight=weight,
        color=colour,
        ha=side,
        va="center",
        transform=axes.get_yaxis_transform(),
    )
