"""Survival curves: the share of units still alive at each age, by how they came to be."""

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from audition.answers.lineage.family import Family
from audition.answers.lineage.measures import FOUNDERS, survival
from audition.report.figures.drawing import say
from audition.report.figures.lineage.clades import PALETTE
from audition.report.style import INK, WIDTH, apart, nothing, sheet, styled

TITLE = "How long units live"
HEIGHT, RIGHT = 3.4, 2.9  # inches: of the panel, beside it


@styled
def survival_curve(family: Family) -> Figure:
    """A line a group: Kaplan and Meier's estimate over age."""
    groups = survival(family)
    if not any(group.deaths for group in groups):
        return nothing(TITLE, "No unit has died yet.")
    page = sheet(TITLE, _caption(), height=HEIGHT)
    axes = page.axes(1.0, 0.65, WIDTH - 1.0 - RIGHT, HEIGHT - 0.85)
    longest = max(group.ages[-1] for group in groups)
    places = apart([group.alive[-1] for group in groups], 0.17)
    others = iter(PALETTE)
    for group, place in zip(groups, places, strict=True):
        colour = INK if group.group == FOUNDERS else next(others, PALETTE[-1])
        ages, alive = [*group.ages], [*group.alive]
        axes.step(ages, alive, where="post", color=colour, lw=1.8, gid=f"alive-{group.group}")
        if ages[-1] < longest:
            axes.plot(ages[-1], alive[-1], ".", color=colour, ms=7)
        say(axes, 1.03, place + 0.035, group.group, "row", color=colour, weight="bold")
        said = f"{group.units:,} units, {group.deaths:,} died"
        say(axes, 1.03, place - 0.035, said, "row", color=colour)
    axes.set(xlim=(0, longest), ylim=(0, 1.02))
    axes.set_xlabel("age in steps")
    axes.set_ylabel("share alive")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    return page.figure


def _caption() -> str:
    return (
        "Kaplan and Meier's estimate: of the units that were seen for so long, the share still "
        "alive. A line ends (dot) where no unit of its group was seen for longer: units that are born "
        "late are seen for a short time."
    )
