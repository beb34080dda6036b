"""The smallest gain that a number of seeds would show, and where each idea stands on that curve."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from audition.answers import Judgement
from audition.labels import shortened
from audition.measure import Measure
from audition.records.registration import ALPHA
from audition.report.figures.drawing import Look, mark, say
from audition.report.figures.gains import span
from audition.report.style import (
    INK,
    LINE,
    MUTED,
    PAPER,
    VERDICT,
    WIDTH,
    apart,
    nothing,
    sheet,
    styled,
)
from audition.stats import Comparison, NoiseModel, minimal_detectable_effect
from audition.stats.distributions import Sides
from audition.text import plain_level

TITLE = "What a number of seeds can show"
LABELLED = 6  # curves; more would not leave their names legible


@dataclass(frozen=True)
class Stand:
    """Ideas with the same noise and the same seeds: one curve, and one place on it."""

    names: tuple[str, ...]
    verdicts: tuple[str, ...]
    noise: NoiseModel
    n: int
    n_baseline: int
    mde: float
    sesoi: float
    seeds_needed: int | None

    sides: Sides
    family: int

    def at(self, n: int, alpha: float = 0.05) -> float:
        """The gain that `n` seeds support with power .8; spare baseline seeds stay where they are."""
        return minimal_detectable_effect(
            n,
            self.noise,
            alpha,
            n_baseline=max(n, self.n_baseline),
            sides=self.sides,
            family_size=self.family,
            sesoi=self.sesoi,
        )


def stands(judgements: Sequence[Judgement]) -> list[Stand]:
    """Ideas grouped by what they could show, the finest first."""
    groups: dict[tuple[object, ...], list[Comparison]] = {}
    for c in (j.comparison for j in judgements):
        if c.noise is not None and math.isfinite(c.mde):
            key = (c.design, c.n, c.n_baseline, f"{c.mde:.6g}", f"{c.sesoi:.6g}")
            groups.setdefault(key, []).append(c)
    found = []
    for members in groups.values():
        c = members[0]
        assert c.noise is not None
        names = tuple(m.idea for m in members)
        verdicts = tuple(m.verdict for m in members)
        family = 1 if c.adjustment == "none" else c.family_size
        place = (c.noise, c.n, c.n_baseline, c.mde, c.sesoi, c.seeds_needed)
        found.append(Stand(names, verdicts, *place, c.sides, family))
    return sorted(found, key=lambda stand: stand.mde)


def places(first: int, last: int, *marked: int | None) -> list[int]:
    """The numbers of seeds at which a curve is computed: each of the first, then ever fewer.

    Each is a simulation, and between them the curve falls as one over the root of their number.
    """
    few = {n for n in range(first, last + 1) if n <= 12}
    wide = {round(12 * 1.12**k) for k in range(20)} | {last}
    return sorted(few | {n for n in (*wide, *marked) if n is not None and first <= n <= last})


@styled
def detectable_effect(judgements: Sequence[Judgement]) -> Figure:
    """Detectable gain against seeds, the smallest gain that counts, and "you are here"."""
    found = stands(judgements)
    alpha = judgements[0].comparison.alpha if judgements else ALPHA
    if not found:
        return nothing(TITLE, "Nothing is known of the noise yet: it takes two seeds of two arms.")
    page = sheet(TITLE, _caption(found, alpha, judgements[0].measure), height=4.6)
    axes = page.axes(1.05, 0.6, WIDTH - 3.95, 3.9)
    needed = [s.seeds_needed for s in found if s.seeds_needed is not None]
    last = min(max(12, math.ceil(1.15 * max(needed, default=0)), *(s.n + 3 for s in found)), 60)
    first = min(2, *(stand.n for stand in found))
    top = 1.35 * max(*(s.mde for s in found), *(s.sesoi for s in found if s.sesoi == s.sesoi), 0.0)
    axes.set(xlim=(first - 0.5, last + 0.5), ylim=(0, top))
    axes.set_xlabel("seeds an arm")
    how = judgements[0].measure
    unit = f" [{how.unit}]" if how.unit else ""
    axes.set_ylabel(f"gain supported with power .8{unit}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
    for i, stand in enumerate(found):
        curve = [(n, stand.at(n, alpha)) for n in places(first, last, stand.n, stand.seeds_needed)]
        curve = [(n, gain) for n, gain in curve if math.isfinite(gain)]
        axes.plot(*zip(*curve, strict=True), color=MUTED, lw=2.0, gid=f"curve-{i}")
        mark(axes, stand.n, stand.mde, _colour(stand), 95, lw=1.2, zorder=5, gid=f"here-{i}")
        if stand.seeds_needed is not None and stand.seeds_needed <= last:
            look: Look = {"facecolor": PAPER, "edgecolor": MUTED, "lw": 1.8, "gid": f"needed-{i}"}
            mark(axes, stand.seeds_needed, stand.sesoi, MUTED, 55, "s", zorder=4, **look)
    for sesoi in dict.fromkeys(s.sesoi for s in found if math.isfinite(s.sesoi)):
        axes.axhline(sesoi, color=INK, lw=1.0, ls=(0, (2, 2)), zorder=1)
    _labels(axes, found, top, how)
    return page.figure


def _labels(axes: Axes, found: Sequence[Stand], top: float, how: Measure) -> None:
    """Names to the right of the axes, each led to its place."""
    texts: dict[tuple[float, float], list[str]] = {}
    for stand in found[:LABELLED]:
        texts.setdefault((stand.n, stand.mde), []).extend(stand.names)
    lines = {
        at: [f"you are here: n = {at[0]:.0f}, {plain_level(at[1], how)}", *_few(names)]
        for at, names in texts.items()
    }
    tall = max(map(len, lines.values()))
    spread = apart([y for _, y in lines], top * (0.055 * tall + 0.03))
    shift = min(0.0, top - max(spread, default=0.0) - 0.02 * top)
    for (at, words), y in zip(lines.items(), spread, strict=True):
        high = max(y + shift, 0.05 * top)
        axes.annotate(
            "",
            at,
            (1.02, high / top),
            textcoords="axes fraction",
            zorder=2,
            arrowprops={"arrowstyle": "-", "color": LINE, "lw": 1.0, "shrinkA": 0, "shrinkB": 5},
            annotation_clip=False,
        )
        for k, word in enumerate(words):
            look: Look = {"weight": "bold", "color": INK} if k else {"color": MUTED}
            say(axes, 1.03, high / top - 0.055 * k, word, **look)


def _few(names: Sequence[str]) -> list[str]:
    shown = [shortened(name, 26) for name in names[:3]]
    return shown if len(names) <= 3 else [*shown[:2], f"and {len(names) - 2} more"]


def _colour(stand: Stand) -> str:
    verdicts = set(stand.verdicts)
    return VERDICT[stand.verdicts[0]] if len(verdicts) == 1 else MUTED


def _caption(found: Sequence[Stand], alpha: float, how: Measure) -> str:
    bars: Mapping[str, None] = dict.fromkeys(
        plain_level(s.sesoi, how) for s in found if math.isfinite(s.sesoi)
    )
    shown = ", ".join(list(bars)[:3]) + (" …" if len(bars) > 3 else "")
    more = (
        f" {len(found) - LABELLED} further curves carry no name." if len(found) > LABELLED else ""
    )
    return (
        f"Curves: the true gain in {how.label} that would be supported at α = {alpha:g} "
        f"({found[0].sides}-sided, adjusted for the family) with power .8. "
        "Large dots: the seeds there are now, "
        f"n = {span(s.n for s in found)} an arm. "
        f"Dotted: δ* = {shown}, the smallest gain that counts; squares: the seeds that tell twice "
        "as much from nothing. A grey dot stands for ideas of different verdicts. "
        f"No interval: the noise is taken as known.{more}"
    )
