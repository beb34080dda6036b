"""The noise floor: each arm's spread over seeds, inside the envelope that one common sigma allows."""

import math
from collections.abc import Hashable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import chdtri

from audition.answers import ArmRuns, Judgement
from audition.labels import labels
from audition.measure import Measure
from audition.report.figures.drawing import band, dots, mark, rows, say
from audition.report.figures.gains import NO_IDEA, finite, foremost
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
        return nothing(TITLE, NO_IDEA)
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
    seeds = page.axes(left, 0.6, width, tall)
    spreads = page.axes(left + width + 0.45, 0.6, width, tall)
    each = [(name, finite(arm.levels), colour) for name, (arm, colour) in arms.items()]

    def draw_seeds(y: int) -> None:
        _, levels, colour = each[y]
        centre = math.fsum(levels.values()) / max(1, len(levels))
        if levels:
            dots(seeds, [x - centre for x in levels.values()], y, colour, gid=f"seeds-{y}")

    def draw_spread(y: int) -> None:
        name, levels, colour = each[y]
        _spread(spreads, y, len(levels), noise, name, colour)

    rows(seeds, names, draw_seeds)
    rows(spreads, [""] * len(names), draw_spread)
    seeds.axvline(0, color=INK, lw=1.2, zorder=1)
    seeds.locator_params(axis="x", nbins=5)
    seeds.set_xlabel(f"{axis(how)} minus the arm's mean", size=SMALL)
    spreads.axvline(noise.sd, color=INK, lw=1.2, ls=(0, (2, 2)), zorder=2)
    spreads.set_xlim(left=0)
    spreads.locator_params(axis="x", nbins=5)
    spreads.set_xlabel(f"s, the sd over seeds{f' [{how.unit}]' if how.unit else ''}", size=SMALL)
    return page.figure


def _spread(axes: Axes, y: int, n: int, noise: NoiseModel, name: str, colour: str) -> None:
    if name not in noise.arm_sds:
        say(axes, 0.02, y, "not counted", "row", size=9.5, color=MUTED)
        return
    band(axes, y, 0.36, *envelope(noise.sd, n), gid=f"envelope-{y}")
    at = noise.arm_sds[name]
    mark(axes, at, y, colour, 75, zorder=4, gid=f"s-{y}")
    if name in noise.outlier_arms:
        text = "unlike the others"
        axes.annotate(text, (at, y), (7, 0), textcoords="offset points", va="center", size=9.5)


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
