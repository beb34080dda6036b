"""Effects' meters over training: a panel a meter, a line a seed, the mean of each arm over them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from audition.answers import Judgement
from audition.answers.curves import Reading, Readings
from audition.labels import labels
from audition.report.figures.drawing import COLUMNS, headline, panels, say, some, some_of
from audition.report.figures.gains import span
from audition.report.style import INK, SMALL, VERDICT, WIDTH, styled

TITLE = "What the effects did"
PANEL, KEY = 2.35, 0.24  # inches of a panel, and of a row of the key
MOST, ARMS = 24, 8  # panels; arms in all of them
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1.2, 1.2, 1.2)))
"""Of arms that share a colour, in turn."""


@dataclass(frozen=True)
class Line:
    """How an arm is drawn, and what its runs wrote."""

    name: str
    colour: str
    dash: Any
    seeds: Mapping[int, Reading]


@styled
def effect_meters(judgements: Sequence[Judgement], readings: Readings) -> Figure:
    """A panel a meter that any arm has; readings must hold those of one arm at least."""
    lines = _lines(judgements, readings)
    meters = dict.fromkeys(m for line in lines for each in line.seeds.values() for m in each)
    shown = list(meters)[:MOST]
    key = math.ceil(len(lines) / COLUMNS) * KEY
    caption = _caption(lines, len(readings), len(meters))
    page, corners = panels(TITLE, caption, len(shown), PANEL, head=key + 0.1)
    base = corners[0][1] + PANEL + 0.1
    top = page.axes(0, base, WIDTH, key, xlim=(0, WIDTH), ylim=(0, key))
    top.axis("off")
    for i, line in enumerate(lines):
        row, column = divmod(i, COLUMNS)
        x, y = 0.85 + column * WIDTH / COLUMNS, key - (row + 0.5) * KEY
        top.plot((x, x + 0.5), (y, y), color=line.colour, lw=2.0, ls=line.dash)
        say(top, x + 0.6, y, line.name, "data", color=line.colour)
    for i, (meter, (left, bottom)) in enumerate(zip(shown, corners, strict=True)):
        axes = page.axes(left + 0.85, bottom + 0.62, 3.4, 1.38)
        headline(axes, meter, 1.05)
        axes.set_xlabel(f"training {judgements[0].baseline.records[0].unit}", size=SMALL)
        _panel(axes, f"meter-{i}", meter, lines)
    return page.figure


def _lines(judgements: Sequence[Judgement], readings: Readings) -> list[Line]:
    """Of the arms that have meters, the baseline first, in the order they were judged."""
    names = labels([j.comparison.idea for j in judgements], most=36)
    arms = [(judgements[0].baseline, "baseline", INK)]
    for judgement, name in zip(judgements, names, strict=True):
        arms.append((judgement.arm, name, VERDICT[judgement.comparison.verdict]))
    lines: list[Line] = []
    for arm, name, colour in arms:
        if arm.config_hash in readings and len(lines) < ARMS:
            alike = sum(line.colour == colour for line in lines)
            dash = DASHES[alike % len(DASHES)]
            lines.append(Line(name, colour, dash, readings[arm.config_hash]))
    return lines


def _panel(axes: Axes, gid: str, meter: str, lines: Sequence[Line]) -> None:
    for number, line in enumerate(lines):
        series = [each[meter] for each in line.seeds.values() if meter in each]
        for _, values in some(dict(enumerate(series))):
            axes.plot(list(values), list(values.values()), color=line.colour, lw=0.6, alpha=0.35)
        mean, name = _mean(series), f"{gid}-{number}"
        style = {"color": line.colour, "lw": 2.0, "ls": line.dash}
        axes.plot(list(mean), list(mean.values()), gid=name, **style)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.locator_params(axis="both", nbins=5)


def _mean(series: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """Units -> the mean over the seeds that have a finite value there."""
    found: dict[int, float] = {}
    for units in sorted({units for values in series for units in values}):
        each = [v[units] for v in series if math.isfinite(v.get(units, math.nan))]
        found[units] = fmean(each) if each else math.nan
    return found


def _caption(lines: Sequence[Line], arms: int, meters: int) -> str:
    n = span(len(line.seeds) for line in lines)
    most = max(len(line.seeds) for line in lines)
    few = f" Drawn are the first {len(lines)} of {arms} arms." if arms > len(lines) else ""
    rest = f" Drawn are the first {MOST} of {meters} meters." if meters > MOST else ""
    return (
        "What each effect wrote of itself on logged steps, as EFFECT/METER, after what the arms "
        "adjusted differently: every seed (thin), and "
        f"the mean over the seeds (thick), n = {n} an arm. An arm without the effect has no line. "
        f"Colours are those of the verdicts.{few}{rest}{some_of(most)}"
    )
