"""Few-shot episodes: how well each trained model is known, beside what a mean of pixels reaches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from audition.answers import Judgement
from audition.labels import labels
from audition.records.record import Record
from audition.report.figures.drawing import dots, rows, say
from audition.report.style import (
    INK,
    MUTED,
    SMALL,
    VERDICT,
    WIDTH,
    sheet,
    styled,
    text_width,
)

ACCURACY, INTERVAL, FLOOR = "val_accuracy", "val_interval", "val_floor"
MOST = 12
"""Seeds of an arm that are drawn apart."""


@dataclass(frozen=True)
class Known:
    """One trained model: its accuracy over the episodes of its task and half of the interval, in %."""

    seed: int
    accuracy: float
    half: float
    floor: float


def known_models(judgements: Sequence[Judgement]) -> Mapping[str, tuple[Known, ...]]:
    """Arm -> its finished runs by seed; the baseline first. Empty where there were no episodes."""
    if not judgements:
        return {}
    runs = {"baseline": judgements[0].baseline.records}
    runs |= {j.comparison.idea: j.arm.records for j in judgements}
    found = {arm: tuple(filter(None, map(_of, records))) for arm, records in runs.items()}
    return {arm: tuple(sorted(each, key=lambda k: k.seed)) for arm, each in found.items() if each}


def _of(record: Record) -> Known | None:
    values = [record.metrics.get(name) for name in (ACCURACY, INTERVAL, FLOOR)]
    whole = [value for value in values if value is not None and isfinite(value)]
    if record.status != "finished" or len(whole) < len(values):
        return None
    return Known(record.seed, *whole)


@styled
def episode_intervals(judgements: Sequence[Judgement]) -> Figure:
    """A row an arm, a line a seed: accuracy over the episodes with the interval of that model."""
    found = known_models(judgements)
    most = max(len(each[:MOST]) for each in found.values())
    tall = len(found) * (0.35 + 0.13 * most)
    caption = (
        "A dot is one trained model (a seed): its accuracy over the episodes; the line is the 95 % "
        "interval over these, ±\u00a01.96 s/√n, which says how well this model is known. All have "
        "the same episodes, so a verdict rests on seeds and not on these lines. The upright line is "
        "what the nearest mean of the support's pixels reaches: a model left of it has learned "
        "nothing that helps."
    )
    if any(len(each) > MOST for each in found.values()):
        caption += f" Drawn are the first {MOST} seeds of an arm."
    page = sheet("Episodes: how well each model is known", caption, height=tall + 0.75)
    names = labels(list(found))
    left = 0.4 + text_width(names, bold=True)
    axes = page.axes(left, 0.6, WIDTH - left - 0.4, tall)
    colours = [INK, *(VERDICT[j.comparison.verdict] for j in judgements)]
    shown = dict(zip(["baseline", *(j.comparison.idea for j in judgements)], colours, strict=True))
    arms = list(found)

    def draw(y: int) -> None:
        _row(axes, y, found[arms[y]][:MOST], shown[arms[y]])

    rows(axes, names, draw)
    floor = next(iter(found.values()))[0].floor
    axes.axvline(floor, color=MUTED, lw=1.2, zorder=1, gid="floor")
    say(axes, floor, 1.01, f"pixels {floor:.1f}", "column", ha="center", va="bottom", color=MUTED)
    axes.margins(x=0.06)
    axes.set_xlabel("accuracy over episodes [%]", size=SMALL)
    return page.figure


def _row(axes: Axes, y: int, models: Sequence[Known], colour: str) -> None:
    many = len(models)
    for i, each in enumerate(models):
        at = y + (i - (many - 1) / 2) * 0.7 / max(many, 3)
        ends = [each.accuracy - each.half, each.accuracy + each.half]
        axes.plot(ends, [at, at], color=colour, lw=1.6, zorder=2, gid=f"interval-{y}-{each.seed}")
        dots(axes, each.accuracy, at, colour, alpha=1.0, gid=f"seed-{y}-{each.seed}")
