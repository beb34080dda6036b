"""Slices of a search: the first objective against each parameter, with the default and the best."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from audition.labels import labels, shortened
from audition.records.studies import Account, Parameter, Trial, Value
from audition.report.figures.drawing import mark, say
from audition.report.figures.search.marks import (
    BRANCHES,
    Mark,
    draw_marks,
    draw_special,
    draw_strip,
)
from audition.report.figures.search.trials import (
    branch_of,
    counted,
    label_of,
    marks_said,
    turn,
    value_of,
    window,
)
from audition.report.style import MUTED, SMALL, WIDTH, nothing, sheet, styled

COLUMNS, PANEL, LEFT, GAP = 3, 2.85, 0.95, 0.32  # panels in a row; inches
DECADE = 10.0
GOLDEN = 0.618


@styled
def search_slices(account: Account) -> Figure:
    """A panel a parameter, of the first objective; only trials that have the parameter are in it."""
    title = f"Search {shortened(account.name, 44)}: each parameter alone"
    if not account.parameters:
        return nothing(title, "No trial has been asked for yet.")
    columns = min(COLUMNS, len(account.parameters))
    rows = math.ceil(len(account.parameters) / columns)
    page = sheet(title, _caption(account), height=rows * PANEL)
    wide = (WIDTH - LEFT) / columns
    for i, parameter in enumerate(account.parameters):
        row, column = divmod(i, columns)
        place = (LEFT + column * wide, (rows - 1 - row) * PANEL + 0.5, wide - GAP, PANEL - 1.15)
        axes = page.axes(*place)
        axes.set(ylim=window(account, 0))
        if column:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel(label_of(account, account.objectives[0]), size=SMALL)
        _scale(axes, parameter)
        _panel(axes, account, parameter, i)
        turn(axes.yaxis, account.measure(account.objectives[0]))
    return page.figure


def is_log(parameter: Parameter) -> bool:
    """Whether a range is drawn on a log axis: it spans more than a decade above zero."""
    low, high = parameter.low, parameter.high
    return low is not None and high is not None and low > 0 and high > DECADE * low


def _scale(axes: Axes, parameter: Parameter) -> None:
    if parameter.choices:
        names = labels([_said(value) for value in parameter.choices], 14)
        axes.set(xlim=(-0.6, len(names) - 0.4), xticks=range(len(names)))
        axes.set_xticklabels(names)
        return
    assert parameter.low is not None
    assert parameter.high is not None
    low, high = parameter.low, parameter.high
    if is_log(parameter):
        axes.set_xscale("log")
        room = (high / low) ** 0.05
        axes.set_xlim(low / room, high * room)
        axes.xaxis.set_minor_formatter("")
        ticks = _decades(low, high)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    else:
        room = 0.05 * (high - low)
        axes.set_xlim(low - room, high + room)
        axes.locator_params(axis="x", nbins=4)


def _decades(low: float, high: float) -> list[float]:
    """Round numbers for a log axis: powers of ten, or 1, 2 and 5 of each where those are too few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (1, 3), (1, 2, 5)):
        ticks = [d * 10.0**p for p in powers for d in digits if low <= d * 10.0**p <= high]
        if len(ticks) > 2:
            break
    return ticks[:: math.ceil(len(ticks) / 5)]


def _panel(axes: Axes, account: Account, parameter: Parameter, i: int) -> None:
    branches = branch_of(account)
    able = [t for t in account.trials if parameter.name in t.params]
    for branch in sorted({branches[t.number] for t in able}):
        own = [t for t in able if branches[t.number] == branch]
        draw_marks(axes, [_mark(t, parameter) for t in own], 0, panel=i, branch=branch, size=30)
    draw_strip(axes)
    best = next(iter(account.whole), None)
    special: Sequence[Mark | None] = [
        _mark(t, parameter) if t is not None and parameter.name in t.params else None
        for t in (account.default, best)
    ]
    own_branch = branches[best.number] if best is not None else 0
    draw_special(axes, special[0], special[1], panel=i, branch=own_branch)
    left = 0.0
    if parameter.branch and able:
        colour, shape = BRANCHES[branches[able[0].number]]
        mark(axes, 0.03, 1.2, colour, 34, shape, "axes", edgecolor=colour, lw=1.0)
        left = 0.08
    say(axes, 0.0, 1.31, shortened(parameter.key, 28), weight="bold")
    say(axes, left, 1.2, shortened(parameter.branch, 32), size=9.5, color=MUTED)


def _mark(trial: Trial, parameter: Parameter) -> Mark:
    value = trial.params[parameter.name]
    if parameter.choices:
        # Trials of one choice stand beside each other, each always at the same place.
        aside = 0.44 * (trial.number * GOLDEN % 1.0 - 0.5)
        return Mark(trial, parameter.choices.index(value) + aside, value_of(trial, 0))
    assert isinstance(value, int | float)
    return Mark(trial, float(value), value_of(trial, 0))


def _said(value: Value) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _caption(account: Account) -> str:
    default = "; plus: the default" if account.default is not None else ""
    return (
        f"{counted(account)}; in a panel, those that have its parameter. "
        f"{marks_said(account)} Star: the best trial{default}. Other parameters vary from mark to "
        "mark."
    )
