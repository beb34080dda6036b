"""Learning curves: both arms' means with their bands, and underneath the difference, seed by seed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import stdtrit

from audition.answers import Judgement
from audition.answers.arm_curves import ArmCurves
from audition.answers.curves import STEPS, Curve, Curves
from audition.labels import labels
from audition.measure import Measure
from audition.report.figures.drawing import dots, headline, legend, mark, panels, say, some, some_of
from audition.report.figures.gains import foremost, span
from audition.report.style import INK, MUTED, SMALL, VERDICT, WIDTH, nothing, sheet, styled
from audition.text import axis, direction

LOSS = Measure("training loss", "")
TITLE = "Learning curves, and the difference underneath"
PALETTE = (INK, *VERDICT.values(), "#e69f00", "#56b4e9", "#8a6d3b")
"""Colours of arms side by side, the first of them the baseline's."""
FEW = 20
"""Seeds of an arm that have dots."""
PANEL, MOST = 4.3, 40  # inches of a panel's height; panels
Series = Mapping[int, Mapping[int, float]]
"""Seed -> units -> value."""


@dataclass(frozen=True)
class Band:
    """Mean and 95 % t interval at each number of units, all [points], over the seeds there."""

    units: tuple[int, ...]
    means: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]


def band(series: Series) -> Band:
    """Over the seeds that have a finite value at a point; no interval (NaN) from a single one."""
    points = sorted({units for values in series.values() for units in values})
    means, lows, highs = [], [], []
    for units in points:
        found = [v[units] for v in series.values() if math.isfinite(v.get(units, math.nan))]
        n = len(found)
        mean = fmean(found) if found else math.nan
        half = float(stdtrit(n - 1, 0.975)) * stdev(found) / math.sqrt(n) if n > 1 else math.nan
        means.append(mean)
        lows.append(mean - half)
        highs.append(mean + half)
    return Band(tuple(points), tuple(means), tuple(lows), tuple(highs))


def differences(baseline: Mapping[int, Curve], idea: Mapping[int, Curve], how: Measure) -> Series:
    """Improvements at the points that both runs of a seed measured; positive is better."""
    found = {}
    for seed in baseline.keys() & idea.keys():
        if baseline[seed].metric == idea[seed].metric:
            first, second = baseline[seed].at(), idea[seed].at()
            read = how if baseline[seed].metric != STEPS else LOSS
            found[seed] = {
                units: read.as_loss(first[units]) - read.as_loss(second[units])
                for units in sorted(first.keys() & second.keys())
            }
    return dict(sorted(found.items()))


@styled
def learning_curves(judgements: Sequence[Judgement], curves: Curves) -> Figure:
    """A pair of panels an idea: both arms above, their same-seed difference below."""
    shown: Sequence[Judgement] = [j for j in judgements if curves.get(j.arm.config_hash)]
    if not shown:
        return nothing(TITLE, "The run folders hold no metrics.jsonl to draw learning curves from.")
    shown, rest = foremost(shown, MOST)
    page, corners = panels(TITLE, _caption(shown, curves) + rest, len(shown), PANEL)
    names = labels([j.comparison.idea for j in shown])
    for i, (judgement, (left, bottom)) in enumerate(zip(shown, corners, strict=True)):
        above = page.axes(left + 0.92, bottom + 2.05, 3.35, 1.85)
        below = page.axes(left + 0.92, bottom + 0.6, 3.35, 1.25, sharex=above)
        headline(above, names[i])
        _panel(above, below, i, judgement, curves)
    return page.figure


def _panel(above: Axes, below: Axes, i: int, judgement: Judgement, curves: Curves) -> None:
    baseline = curves.get(judgement.baseline.config_hash, {})
    idea = curves[judgement.arm.config_hash]
    colour = VERDICT[judgement.comparison.verdict]
    _arm(above, f"baseline-{i}", {s: c.at() for s, c in baseline.items()}, INK)
    _arm(above, f"idea-{i}", {s: c.at() for s, c in idea.items()}, colour)
    how = judgement.measure
    paired = differences(baseline, idea, how)
    _arm(below, f"difference-{i}", paired, colour)
    below.axhline(0, color=INK, lw=1.2, zorder=1)
    _focus(below, paired)
    above.tick_params(labelbottom=False)
    steps = any(curve.metric == STEPS for curve in (*baseline.values(), *idea.values()))
    top = LOSS.label if steps else axis(how)
    for axes, label in ((above, top), (below, "improvement")):
        axes.set_ylabel(label, size=SMALL)
        axes.yaxis.set_label_coords(-0.205, 0.5)
        axes.locator_params(axis="y", nbins=5)
    if not paired:
        say(below, 0.5, 0.8, "no seed in common", ha="center", va="baseline", color=MUTED)
    below.xaxis.set_major_formatter(lambda units, _: _counted(units))
    points = {t for curve in (*baseline.values(), *idea.values()) for t in curve.units}
    if len(points) == 1:
        below.set_xticks(list(points))
    else:
        below.locator_params(axis="x", nbins=5)
    below.set_xlabel(f"{judgement.arm.unit} trained on", size=SMALL)
    # In the corner that curves come away from: they end where they are best.
    ends = (0.98, 0.86) if top == LOSS.label or how.better == "lower" else (0.14, 0.02)
    legend(above, ends, (("baseline", INK), ("idea", colour)))


def _arm(axes: Axes, name: str, series: Series, colour: str) -> None:
    """A thin line and dots for each seed, the mean over them, and its band."""
    over = band(series)
    shown = some(series)
    if len(shown) > FEW:  # as one line, broken between two seeds
        units = [x for _, values in shown for x in (*values, math.nan)]
        levels = [x for _, values in shown for x in (*values.values(), math.nan)]
        axes.plot(units, levels, color=colour, lw=0.7, alpha=0.45, zorder=2)
    for seed, values in shown:
        finite = [t for t, v in values.items() if math.isfinite(v)]
        if len(shown) <= FEW:
            axes.plot(
                list(values), list(values.values()), color=colour, lw=0.7, alpha=0.45, zorder=2
            )
            size, gid = 12 if len(values) < 25 else 3, f"{name}-seed-{seed}"
            dots(axes, finite, [values[t] for t in finite], colour, size, alpha=0.6, gid=gid)
        if finite and len(finite) < len(values):
            last = finite[-1]
            mark(axes, last, values[last], colour, 55, "x", lw=2, zorder=6)
    axes.plot(over.units, over.means, color=colour, lw=2.2, zorder=5, gid=f"{name}-mean")
    if len(over.units) == 1:
        axes.plot(over.units * 2, (over.lows[0], over.highs[0]), color=colour, lw=6, alpha=0.22)
        axes.scatter(over.units, over.means, marker="_", s=260, color=colour, lw=2.2, zorder=5)
    axes.fill_between(over.units, over.lows, over.highs, color=colour, alpha=0.16, lw=0, zorder=1)


@styled
def arm_curves_figure(found: Sequence[ArmCurves]) -> Figure:
    """All arms in one panel: a thin line a seed, the mean thick and its band; one panel a metric."""
    metrics = list(dict.fromkeys(arm.metric for arm in found))
    if not metrics:
        return nothing("Learning curves", "No run has written a line of metrics yet.")
    caption = (
        "Each seed (thin), the mean over the seeds (thick) and its 95 % t interval (shaded), n = "
        f"{', '.join(f'{len(arm.curves)} of {arm.arm}' for arm in found)}."
    )
    page = sheet("Learning curves", caption, height=PANEL * len(metrics))
    for row, metric in enumerate(metrics):
        arms = [arm for arm in found if arm.metric == metric]
        axes = page.axes(0.92, (len(metrics) - 1 - row) * PANEL + 0.6, WIDTH - 1.2, PANEL - 0.9)
        for i, (arm, name) in enumerate(zip(arms, labels([a.arm for a in arms]), strict=True)):
            colour = PALETTE[i % len(PALETTE)]
            _arm(axes, f"{arm.arm}-{row}", {s: c.at() for s, c in arm.curves.items()}, colour)
            axes.plot([], [], color=colour, lw=2.2, label=name)
        axes.set_ylabel(axis(arms[0].measure), size=SMALL)
        axes.set_xlabel(f"{arms[0].unit} trained on", size=SMALL)
        axes.xaxis.set_major_formatter(lambda units, _: _counted(units))
        axes.legend(frameon=False, fontsize=SMALL)
    return page.figure


def _focus(axes: Axes, series: Series) -> None:
    """Scale to the seeds and as much of the band as leaves them legible."""
    values = [x for points in series.values() for x in points.values() if math.isfinite(x)]
    if not values:
        axes.set(yticks=[])
        return
    low, high = min(*values, 0.0), max(*values, 0.0)
    room = 0.6 * ((high - low) or 1.0)
    over = band(series)
    ends = [x for x in (*over.lows, *over.highs) if math.isfinite(x)]
    least, most = min([low, *ends]), max([high, *ends])
    margin = 0.06 * (high - low)
    axes.set_ylim(max(least, low - room) - margin, min(most, high + room) + margin)


def _counted(units: float) -> str:
    for size, suffix in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(units) >= size:
            return f"{units / size:g}{suffix}"
    return f"{units:g}"


def _caption(judgements: Sequence[Judgement], curves: Curves) -> str:
    arms = dict.fromkeys(h for j in judgements for h in (j.baseline.config_hash, j.arm.config_hash))
    n = span(len(curves[h]) for h in arms if h in curves)
    how = judgements[0].measure
    every = [c for h in arms for c in curves.get(h, {}).values()]
    most = max((len(curves.get(h, {})) for h in arms), default=0)
    drawn = {c.metric for c in every}
    part = (
        " All of it on the few held-out rows that were looked at between the evaluations; no verdict "
        "rests on them."
        if any(c.is_between for c in every)
        else ""
    )
    named = [
        *([f"{axis(how)} ({direction(how)})"] if drawn - {STEPS} else []),
        *([LOSS.label] if STEPS in drawn else []),
    ]
    return (
        f"Above: {' or '.join(named)} of each seed (thin, dots at measurements), "
        "the mean (thick) and its 95 % t interval over the seeds not diverged (shaded), n = "
        f"{n} an arm. Below: improvement over the baseline of the same seed, its mean "
        "and 95 % t interval; above zero the idea is better. × marks where a run diverged. "
        f"Intervals are pointwise.{part}{some_of(most)}"
    )
