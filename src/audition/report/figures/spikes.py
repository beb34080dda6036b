"""Loss spikes by arm: how far an event of apoptosis throws the loss back, and for how long."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from audition.answers.spikes import ArmSpikes
from audition.labels import labels
from audition.report.figures.drawing import dots, headline, mark, say
from audition.report.figures.lineage.clades import PALETTE
from audition.report.style import (
    INK,
    LINE,
    MUTED,
    SIZE,
    SMALL,
    WIDTH,
    apart,
    nothing,
    sheet,
    styled,
    text_width,
)
from audition.text import signed

TITLE = "The loss spike after an event of apoptosis"
ROW, MOST, PATHS = 0.46, 80, 3.3  # inches of a row; rows; inches of the lower panel


@styled
def loss_spikes(arms: Sequence[ArmSpikes]) -> Figure:
    """A row an arm, the smallest spike first; below, the loss over the steps after an event."""
    if not arms:
        return nothing(TITLE, "No run has had an event of apoptosis at which its loss was seen.")
    shown = arms[-MOST:]
    names = labels([each.arm for each in shown], 44)
    rules = [rule_text(each) for each in shown]
    colours = rule_colours(shown)
    left = 0.3 + max(text_width(names, SMALL), text_width(rules, SMALL * 0.9))
    high = ROW * len(shown) + 0.1
    page = sheet(TITLE, _caption(), height=high + 1.0 + PATHS)
    axes = page.axes(left, PATHS + 1.0, WIDTH - left - 2.3, high)
    axes.set(ylim=(len(shown) - 0.4, -0.6), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color=INK, lw=1.2, zorder=2, gid="zero")
    _spread_out(axes, shown)
    axes.set_xlabel("rise of the loss at an event, nats")
    for y, (each, name, rule) in enumerate(zip(shown, names, rules, strict=True)):
        colour = colours[each.rule.parents]
        axes.axhline(y + 0.5, color=LINE, lw=0.5, zorder=1)
        dots(axes, list(each.means.values()), y + 0.18, colour, 24, gid=f"seeds-{y}")
        if all(map(math.isfinite, each.interval())):
            axes.plot(each.interval(), [y - 0.1] * 2, color=colour, lw=2.4, zorder=5)
        mark(axes, each.size, y - 0.1, colour, 70, "o", zorder=6, gid=f"spike-{y}")
        look = {"ha": "right", "color": colour}
        say(axes, -0.02, y - 0.14, name, "row", weight="bold", **look)
        say(axes, -0.02, y + 0.22, rule, "row", size=SMALL * 0.9, ha="right", color=MUTED)
        say(axes, 1.03, y - 0.14, signed(each.size, 4), "row", size=SIZE, weight="bold")
        say(axes, 1.03, y + 0.22, lasting(each), "row", size=SMALL * 0.9, color=MUTED)
    _paths(page.axes(0.95, 0.6, WIDTH - 3.6, PATHS - 0.75), shown, colours)
    return page.figure


def rule_text(each: ArmSpikes) -> str:
    """`mutation, σ 0.3, 26 units`."""
    sigma = "" if each.rule.sigma is None else f", σ {each.rule.sigma:.2g}"
    units = "" if math.isnan(each.rule.units) else f", {each.rule.units:.0f} units"
    return f"{each.rule.parents or 'not logged'}{sigma}{units}"


def lasting(each: ArmSpikes) -> str:
    """`back in 8 steps`, the median; or how many events of all were back before the next."""
    if math.isfinite(each.typical):
        return f"back in {each.typical:g} steps"
    return f"{each.back} of {len(each.every)} seen to be back"


def rule_colours(arms: Sequence[ArmSpikes]) -> Mapping[str, str]:
    """What units are replaced by -> a colour."""
    rules = sorted({each.rule.parents for each in arms})
    return {rule: PALETTE[i % len(PALETTE)] for i, rule in enumerate(rules)}


def _spread_out(axes: Axes, arms: Sequence[ArmSpikes]) -> None:
    """Decades side by side where spikes are of very different sizes, even near zero."""
    means = [m for each in arms for m in each.means.values()]
    sizes = sorted(abs(m) for m in means if m)
    if sizes and sizes[-1] > 20 * sizes[len(sizes) // 4]:
        first, last = (math.floor(math.log10(s)) for s in (sizes[len(sizes) // 4], sizes[-1]))
        axes.set_xscale("symlog", linthresh=10.0**first, linscale=1.2)
        decades = [10.0**n for n in range(last, first - 1, -2)]
        signs = (1, -1) if min(means) < -(10.0**first) else (1,)
        axes.set_xticks([0.0, *(sign * each for sign in signs for each in decades)])
        axes.minorticks_off()
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "\u2212")))


def _paths(axes: Axes, arms: Sequence[ArmSpikes], colours: Mapping[str, str]) -> None:
    """The mean over events of each rule, of the loss less that before the event."""
    headline(axes, "Loss after an event, less that before", 1.02)
    ends: list[tuple[float, str, str]] = []
    for rule, colour in colours.items():
        path = mean_path([each for each in arms if each.rule.parents == rule])
        steps, rises = [p for p, _ in path], [r for _, r in path]
        axes.plot(steps, rises, ".-", color=colour, lw=1.7, ms=7, gid=f"path-{rule}")
        ends.append((rises[-1], rule or "not logged", colour))
    axes.axhline(0, color=INK, lw=1.0)
    axes.set_xscale("symlog", base=2, linthresh=1)
    axes.set_xlim(0, None)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.set_xlabel("steps after the event")
    axes.set_ylabel("nats")
    low, high = axes.get_ylim()
    places = apart([(end - low) / (high - low) for end, _, _ in ends], 0.085)
    for (_, rule, colour), place in zip(ends, places, strict=True):
        say(axes, 1.02, place, rule, color=colour, weight="bold")


def mean_path(arms: Sequence[ArmSpikes]) -> list[tuple[int, float]]:
    """Steps after an event -> the mean rise over the events of these arms.

    An event at which the loss was back counts from then on with what it was then, as it is not
    looked at any more; a place that fewer than half of the others were seen at is left out.
    """
    spikes = [spike for each in arms for spike in each.every]
    places = sorted({passed for spike in spikes for passed, _ in spike.path})
    path = []
    for place in places:
        seen = [
            dict(s.path).get(place, s.path[-1][1] if s.back is not None else None) for s in spikes
        ]
        known = [rise for rise in seen if rise is not None]
        if 2 * len(known) >= len(spikes):
            path.append((place, sum(known) / len(known)))
    return path


def _caption() -> str:
    return (
        "Plain cross-entropy on a few rows that no step trains on, just before an event's weights are "
        "rewritten and just after. A dot is a seed's mean over its events; large marks and lines: mean "
        "over seeds with its 95 % interval (Student's t). σ: noise on a child's row, in root mean "
        "squares of it. Below: 1, 2, 4, … steps later, until the loss is not above what it was before "
        "(an event that is back stays where it was then); of the places where at least half of a "
        "rule's events were seen."
    )
