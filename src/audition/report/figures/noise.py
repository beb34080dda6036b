"""The noise floor: each arm's spread over seeds, inside the envelope that one common sigma allows."""

import math
from collections.abc import Hashable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import chdtri

from audition.answers import ArmRuns, Judgement
from audition.measure import Measure
from audition.report.figures.gains import finite, foremost
from audition.report.style import (
    BAND,
    INK,
    LINE,
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
from audition.stats import NoiseModel, estimate_noise
from audition.text import axis, level

TITLE = "Noise floor: how much the seed alone moves the result"
ROW, MOST = 0.42, 200


def envelope(sigma: float, n: int) -> tuple[float, float]:
    """Where 95 % of sample sds of `n` losses fall, were the true sd `sigma` (a scaled chi)."""
    df = n - 1
    low, high = (sigma * math.sqrt(float(chdtri(df, tail)) / df) for tail in (0.975, 0.025))
    return low, high


@styled
def noise_floor(judgements: Sequence[Judgement]) -> Figure:
    """A row an arm, the baseline first: seeds around their mean, and s inside the envelope."""
    if not judgements:
        return nothing(TITLE, "No idea has been judged yet.")
    arms = _arms(judgements)
    noise = _pooled({name: arm.losses for name, (arm, _) in arms.items()})
    if noise is None:
        return nothing(TITLE, "There are not two arms with two finished seeds each to compare.")
    drawn, rest = foremost(judgements, MOST)
    arms = _arms(drawn)
    names = labels(list(arms))
    left = 0.3 + text_width(names)
    width = (WIDTH - left - 0.35) / 2 - 0.225
    tall = ROW * len(arms)
    how = judgements[0].measure
    page = sheet(TITLE, _caption(noise, how) + rest, height=tall + 0.7)
    dots = page.axes(left, 0.6, width, tall)
    spreads = page.axes(left + width + 0.45, 0.6, width, tall)
    for axes in (dots, spreads):
        axes.set(ylim=(len(arms) - 0.5, -0.5), yticks=[])
        axes.spines["left"].set_visible(False)
        for y in range(1, len(arms)):
            axes.axhline(y - 0.5, color=LINE, lw=0.5, zorder=0)
    for y, (name, (arm, colour)) in enumerate(arms.items()):
        values = list(finite(arm.levels).values())
        dots.text(
            -0.02,
            y,
            names[y],
            transform=dots.get_yaxis_transform(),
            ha="right",
            va="center",
            weight="bold" if y == 0 else "normal",
        )
        if values:
            centre = math.fsum(values) / len(values)
            dots.scatter(
                [x - centre for x in values],
                [y] * len(values),
                s=38,
                color=colour,
                alpha=0.75,
                lw=0,
                zorder=3,
                gid=f"seeds-{y}",
            )
        _spread(spreads, y, len(values), noise, name, colour)
    dots.axvline(0, color=INK, lw=1.2, zorder=1)
    dots.locator_params(axis="x", nbins=5)
    dots.set_xlabel(f"{axis(how)} minus the arm's mean", size=SMALL)
    spreads.axvline(noise.sd, color=INK, lw=1.2, ls=(0, (2, 2)), zorder=2)
    spreads.set_xlim(left=0)
    spreads.locator_params(axis="x", nbins=5)
    spreads.set_xlabel(f"s, the sd over seeds{f' [{how.unit}]' if how.unit else ''}", size=SMALL)
    return page.figure


def _spread(axes: Axes, y: int, n: int, noise: NoiseModel, name: str, colour: str) -> None:
    if name in noise.arm_sds:
        low, high = envelope(noise.sd, n)
        axes.fill_betweenx(
            [y - 0.36, y + 0.36], low, high, color=BAND, lw=0, zorder=0, gid=f"envelope-{y}"
        )
        at = noise.arm_sds[name]
        axes.scatter([at], [y], s=75, color=colour, edgecolor=PAPER, lw=0.8, zorder=4, gid=f"s-{y}")
        if name in noise.outlier_arms:
            axes.annotate(
                "unlike the others",
                (at, y),
                (7, 0),
                textcoords="offset points",
                va="center",
                size=9.5,
            )
    else:
        axes.text(
            0.02,
            y,
            "not counted",
            transform=axes.get_yaxis_transform(),
            va="center",
            size=9.5,
            color=MUTED,
        )


def _arms(judgements: Sequence[Judgement]) -> dict[str, tuple[ArmRuns, str]]:
    arms = {"baseline": (judgements[0].baseline, INK)}
    for j in judgements:
        name = j.comparison.idea
        # One name may stand for two configurations of an arm.
        name = f"{name} {j.arm.config_hash[:4]}" if name in arms else name
        arms[name] = (j.arm, VERDICT[j.comparison.verdict])
    return arms


def _pooled(losses: Mapping[str, Mapping[Hashable, float | None]]) -> NoiseModel | None:
    try:
        noise = estimate_noise(losses, method="pooled")
    except ValueError:
        return None
    return noise if noise.sd > 0 and len(noise.arm_sds) > 1 else None


def _caption(noise: NoiseModel, how: Measure) -> str:
    return (
        "Left: every seed a dot, around its arm's mean. Right: s (ddof 1) of each arm; "
        f"dotted: the pooled σ = {level(noise.sd, how)} of {len(noise.arm_sds)} arms ({noise.df:.0f} "
        "degrees of freedom); shaded: the 95 % χ² envelope of s around it for that arm's n "
        "(pointwise, two-sided). “Unlike the others”: a Bonferroni F test at .05. Not counted: "
        "diverged, one seed, or a copy of the baseline. n: the dots of a row."
    )
