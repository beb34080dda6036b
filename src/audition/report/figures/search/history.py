"""The history of a search: its trials in the order they were asked for, and the best so far."""

from itertools import accumulate
from math import isfinite

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from audition.answers.searches import told
from audition.labels import shortened
from audition.records.studies import Account
from audition.report.figures.drawing import say
from audition.report.figures.search.marks import Mark, draw_legend, draw_marks, draw_strip
from audition.report.figures.search.trials import (
    branch_of,
    counted,
    label_of,
    marks_said,
    turn,
    value_of,
    window,
)
from audition.report.style import INK, MUTED, WIDTH, apart, nothing, sheet, styled

HEIGHT, RIGHT, LINE_UP = 3.6, 1.9, 0.19  # inches: of a panel, beside it, between two labels


@styled
def search_history(account: Account) -> Figure:
    """A panel an objective: every trial and seed, the default's level, the best so far."""
    title = f"Search {shortened(account.name, 44)}: trials in order"
    if not account.trials:
        return nothing(title, "No trial has been asked for yet.")
    many = len(account.objectives)
    page = sheet(title, _caption(account), height=many * HEIGHT)
    for k, objective in enumerate(account.objectives):
        bottom = (many - 1 - k) * HEIGHT + 0.6
        axes = page.axes(1.0, bottom, WIDTH - 1.0 - RIGHT, HEIGHT - 1.05)
        last = max(trial.number for trial in account.trials)
        axes.set(xlim=(-0.6, last + 0.6), ylim=window(account, k))
        axes.set_ylabel(label_of(account, objective))
        axes.set_xlabel("trial")
        axes.locator_params(axis="x", integer=True, nbins=10)
        _panel(axes, account, k)
        turn(axes.yaxis, account.measure(objective))
    return page.figure


def _panel(axes: Axes, account: Account, k: int) -> None:
    branches = branch_of(account)
    for branch in sorted(set(branches.values())):
        own = [t for t in account.trials if branches[t.number] == branch]
        marks = [Mark(t, t.number, value_of(t, k)) for t in own]
        draw_marks(axes, marks, k, panel=k, branch=branch)
    draw_strip(axes)
    draw_legend(axes, account, top=1.07)
    whole = sorted(account.whole, key=lambda trial: trial.number)
    said: list[tuple[float, str, str]] = []
    if whole:
        lowest = list(accumulate((t.values[k] for t in whole), min))
        ends = [*(t.number for t in whole), axes.get_xlim()[1]]
        axes.step(ends, [*lowest, lowest[-1]], where="post", color=MUTED, lw=1.6, gid=f"best-{k}")
        first = next(t for t in whole if t.values[k] == lowest[-1])
        best = f"best {told(account, lowest[-1], account.objectives[k])}"
        said.append((lowest[-1], best, f"trial {first.number}"))
    if account.default is not None and isfinite(level := account.default.values[k]):
        axes.axhline(level, color=INK, lw=1.2, zorder=2, gid=f"default-{k}")
        default = f"default {told(account, level, account.objectives[k])}"
        said.append((level, default, f"trial {account.default.number}"))
    low, high = axes.get_ylim()
    gap = 2.4 * LINE_UP / (HEIGHT - 1.05) * (high - low)
    places = apart([y for y, _, _ in said], gap)
    # On an axis that is turned over, up is towards smaller losses.
    up = -1.0 if account.measure(account.objectives[k]).better == "higher" else 1.0
    for y, (_, text, under) in zip(places, said, strict=True):
        half = up * 0.5 * gap / 2.4
        say(axes, 1.02, y + half, text, "row", weight="bold")
        say(axes, 1.02, y - half, under, "row", color=MUTED)


def _caption(account: Account) -> str:
    level = (
        "Level line: the default."
        if account.default is not None
        else "The default is not among the whole trials."
    )
    return (
        f"{counted(account)}. {marks_said(account)} Steps: the best of the whole "
        f"trials so far. {level} The seeds chose the best trial, so its value flatters it."
    )
