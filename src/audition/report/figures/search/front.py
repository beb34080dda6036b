"""Two objectives at once: every trial, those that no other beats, and the default."""

from math import isfinite

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from audition.labels import shortened
from audition.records.studies import Account
from audition.report.figures.drawing import Look, dots, mark, say
from audition.report.figures.search.marks import BRANCHES, draw_legend
from audition.report.figures.search.trials import branch_of, counted, label_of, turn, window
from audition.report.style import INK, MUTED, PAPER, WIDTH, nothing, sheet, styled
from audition.text import count

HEIGHT = 4.8


@styled
def search_front(account: Account) -> Figure:
    """The plane of two objectives; trials without both stand as a count in its far corner."""
    title = f"Search {shortened(account.name, 44)}: what one objective costs in the other"
    if len(account.objectives) != 2:
        return nothing(title, f"A front is drawn of two objectives; here {_many(account)}.")
    if not account.whole:
        return nothing(title, f"{counted(account)}: none has both objectives yet.")
    page = sheet(title, _caption(account), height=HEIGHT)
    axes = page.axes(1.0, 0.65, WIDTH - 1.0 - 1.45, HEIGHT - 1.1)
    axes.set(xlim=window(account, 0), ylim=window(account, 1))
    first, second = account.objectives
    sides = {"lower": ("left", "below"), "higher": ("right", "above")}
    across, up = sides[account.measure(first).better][0], sides[account.measure(second).better][1]
    axes.set_xlabel(f"{label_of(account, first)}: {across} is better")
    axes.set_ylabel(f"{label_of(account, second)}: {up} is better")
    _trials(axes, account)
    front = sorted(account.front(), key=lambda trial: trial.values)
    xs, ys = ([trial.values[k] for trial in front] for k in (0, 1))
    axes.step(xs, ys, where="post", color=INK, lw=1.2, zorder=4, gid="front")
    _corner(axes, account)
    draw_legend(axes, account, top=0.95)
    for axis, name in ((axes.xaxis, first), (axes.yaxis, second)):
        turn(axis, account.measure(name))
    return page.figure


def _trials(axes: Axes, account: Account) -> None:
    branches = branch_of(account)
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    on_front = {trial.number for trial in account.front()}
    for branch, (colour, shape) in enumerate(BRANCHES):
        own = [t for t in account.whole if branches[t.number] == branch]
        for name, some, size, edge in (
            ("front", [t for t in own if t.number in on_front], 80, INK),
            ("other", [t for t in own if t.number not in on_front], 40, PAPER),
        ):
            # What lies beyond an axis stands on its edge.
            xs = [min(max(t.values[0], left), right) for t in some]
            ys = [min(max(t.values[1], low), high) for t in some]
            look: Look = {"edgecolor": edge, "lw": 0.9, "gid": f"{name}-{branch}"}
            if some:
                mark(axes, xs, ys, colour, size, shape, zorder=5, clip_on=False, **look)
        seeds = [each for t in own for each in t.seeds.values() if all(map(isfinite, each))]
        xs, ys = ([each[k] for each in seeds] for k in (0, 1))
        dots(axes, xs, ys, colour, 6, alpha=0.5, gid=f"seeds-{branch}")
    if account.default is not None:
        x, y = account.default.values
        mark(axes, x, y, INK, 110, "P", zorder=7, clip_on=False, gid="default")


def _corner(axes: Axes, account: Account) -> None:
    """What diverged is worse than any number in both objectives: past the far corner."""
    many = account.states()["diverged"]
    if many:
        mark(axes, 1.03, 1.04, INK, 60, "x", "axes", lw=1.8, gid="diverged")
        say(axes, 1.05, 1.04, f"{many} diverged", color=MUTED)


def _many(account: Account) -> str:
    return f"there {'is' if len(account.objectives) == 1 else 'are'} {len(account.objectives)}"


def _caption(account: Account) -> str:
    default = " Plus: the default." if account.default is not None else ""
    return (
        f"{counted(account)}. Marks: means over seeds of the whole trials; dots: their single "
        f"seeds. Outlined and joined: the front, {count(len(account.front()), 'trial')} that no "
        f"other beats in one objective without losing in the other.{default} × past the corner: "
        "diverged. On the edge: beyond the axis. The seeds chose the front, so it flatters itself."
    )
