"""What mattered in a search: each parameter's share in being among its best trials."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from audition.answers.searches import heading
from audition.labels import labels, shortened
from audition.records.studies import Account, Importance, Parameter
from audition.report.figures.drawing import say
from audition.report.figures.search.marks import BRANCHES
from audition.report.figures.search.trials import branch_of
from audition.report.style import LINE, MUTED, WIDTH, nothing, sheet, styled, text_width

ROW, HEAD = 0.36, 0.62  # inches of a bar, and of what stands over a group of them


@styled
def search_importances(account: Account) -> Figure:
    """A group of bars for each set of trials that share their parameters, and each objective."""
    title = f"Search {shortened(account.name, 44)}: what mattered"
    shown = [each for each in account.importances if each.shares]
    if not shown:
        said = "; ".join(f"{heading(each)}: {each.why_none}" for each in account.importances)
        return nothing(title, f"No shares can be told: {said or 'no trial has ended yet'}.")
    height = sum(HEAD + ROW * len(each.shares) for each in shown) + 0.15
    page = sheet(title, _caption(account), height=height)
    keys = [Parameter(name=name).key for each in shown for name in each.shares]
    left = 0.35 + text_width(labels(keys))
    top = height
    for i, each in enumerate(shown):
        tall = ROW * len(each.shares)
        top -= HEAD + tall
        axes = page.axes(left, top + 0.05, WIDTH - left - 0.9, tall)
        say(axes, 0, 1 + 0.22 / tall, heading(each), weight="bold")
        _bars(axes, i, each, BRANCHES[_branch(account, each)][0])
    return page.figure


def _bars(axes: Axes, i: int, importance: Importance, colour: str) -> None:
    shares = list(importance.shares.values())
    names = labels([Parameter(name=name).key for name in importance.shares])
    rows = range(len(shares))
    bars = axes.barh(rows, shares, height=0.62, color=colour)
    axes.set(xlim=(0, 1), ylim=(len(shares) - 0.5, -0.5), xticks=[], yticks=rows)
    axes.set_yticklabels(names)
    axes.tick_params(axis="y", length=0)
    axes.spines["bottom"].set_visible(False)
    axes.spines["left"].set_color(LINE)
    for y, share in zip(rows, shares, strict=True):
        bars[y].set_gid(f"{i}-share-{y}")
        say(axes, share + 0.01, y, f"{share:.0%}", "data", color=MUTED)


def _branch(account: Account, importance: Importance) -> int:
    """The number of the branch that these trials are in."""
    branches = branch_of(account)
    tags = {p.name: p.branch for p in account.parameters}
    own = {name for name in importance.shares if tags.get(name)}
    return next((branches[t.number] for t in account.trials if own and own <= t.params.keys()), 0)


def _caption(account: Account) -> str:
    none = [f"{heading(each)}: {each.why_none}" for each in account.importances if each.why_none]
    rest = f" Without shares: {'; '.join(none)}." if none else ""
    return (
        "PED-ANOVA: how unlike all trials the best ones are in each parameter, as shares that add "
        "up to 1 in each group of trials with the same parameters (the best: a tenth, at least "
        "5). Trials given up count with the seeds they had, diverged ones as the worst. The search "
        f"chose its own points, so a share describes it and proves nothing.{rest}"
    )
