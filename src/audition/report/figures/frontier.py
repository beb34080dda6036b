"""The frontier: every arm's result over a cost that was claimed of it, beside the baseline's."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from audition.amount import COSTS
from audition.answers import Judgement
from audition.labels import labels
from audition.report.figures.drawing import mark, say
from audition.report.style import INK, MARKER, VERDICT, WIDTH, apart, nothing, sheet, styled
from audition.stats.claim import Claimed
from audition.stats.frontier import frontier
from audition.text import axis, direction

TICKS = [k * 10.0**power for power in (-3, -2, -1, 0, 1) for k in (1, 1.5, 2, 3, 5, 7)]
LIKE = {"traded": "refuted"}
"""Words of claims that look like others."""
SHAPES = {"^": "triangle", "v": "triangle on its tip", "D": "diamond", "X": "cross"}
"""Matplotlib's markers, in words."""
HEIGHT, GAP = 4.9, 0.22  # inches: of the room, and between two names
NAME = 25
"""Characters of an arm's name: with its price it ends at the right edge of the page."""


def claimed_costs(judgements: Sequence[Judgement]) -> list[str]:
    """The costs that were claimed, of which some arm and its baseline have one of one method."""
    found = dict.fromkeys(claim.cost for j in judgements for claim in j.claims)
    return [cost for cost in found if len({c.method for _, c in _known(judgements, cost)}) == 1]


def _known(judgements: Sequence[Judgement], cost: str) -> list[tuple[Judgement, Claimed]]:
    pairs = ((j, c) for j in judgements for c in j.claims if c.cost == cost)
    return [
        (j, c) for j, c in pairs if c.less.n and j.comparison.idea_mean == j.comparison.idea_mean
    ]


@styled
def cost_frontier(judgements: Sequence[Judgement], cost: str) -> Figure:
    """Result against `cost`, in multiples of the baseline's, with the staircase of what none beats."""
    known = _known(judgements, cost)
    title = f"What the {COSTS[cost].says} buy"
    if not known:
        return nothing(title, "No arm has this cost and a result.")
    how, base = known[0][0].measure, known[0][0].comparison.baseline_mean
    losses = [base, *(j.comparison.idea_mean for j, _ in known)]
    costs = [1.0, *(1.0 / c.factor for _, c in known)]
    names = ["baseline", *labels([j.comparison.idea for j, _ in known], NAME)]
    front = frontier(list(zip(losses, costs, strict=True)))
    page = sheet(title, _caption(known), height=HEIGHT)
    wide, high = WIDTH - 4.1, HEIGHT - 0.95
    axes = page.axes(0.95, 0.65, wide, high)
    axes.set_xscale("log")
    beside = max((max(costs) / min(costs)) ** 0.06, 1.05)
    axes.set_xlim(min(costs) / beside, max(costs) * beside)
    levels = [how.as_loss(x) for x in losses]
    room = 0.06 * (max(levels) - min(levels) or 1.0)
    axes.set_ylim(min(levels) - room, max(levels) + room)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g} ×"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks([tick for tick in TICKS if _inside(tick, axes.get_xlim())])
    axes.set_xlabel(f"{COSTS[cost].says}, of the baseline's ({known[0][1].method}): left is better")
    axes.set_ylabel(f"{axis(how)}: {direction(how)}")
    along = sorted(front, key=lambda i: costs[i])
    axes.step(
        [costs[i] for i in along],
        [levels[i] for i in along],
        where="post",
        color=INK,
        lw=1.2,
        zorder=2,
        gid="frontier",
    )
    mark(axes, costs[0], levels[0], INK, 110, "P", zorder=6, gid="baseline")
    for i, (_, claim) in enumerate(known, start=1):
        word = LIKE.get(claim.word, claim.word)
        colour = VERDICT[word]
        axes.scatter(
            [costs[i]],
            [levels[i]],
            s=90,
            marker=MARKER[word],
            facecolor=colour if claim.dominates else "none",
            edgecolor=colour,
            lw=1.6,
            zorder=5,
            gid=f"arm-{i}",
        )
    scale = high / (axes.get_ylim()[1] - axes.get_ylim()[0])
    places = apart([(y - axes.get_ylim()[0]) * scale for y in levels], GAP)
    for i, (name, place) in enumerate(zip(names, places, strict=True)):
        weight = "bold" if i in front else "normal"
        axes.annotate(
            "",
            xy=(costs[i], levels[i]),
            xytext=(1.01, place / high),
            textcoords="axes fraction",
            arrowprops={"arrowstyle": "-", "color": "#b9b9b3", "lw": 0.5},
            zorder=1,
        )
        say(axes, 1.02, place / high, f"{name} {_price(known, i)}", weight=weight)
    return page.figure


def _inside(value: float, ends: tuple[float, float]) -> bool:
    return ends[0] <= value <= ends[1]


def _price(known: Sequence[tuple[Judgement, Claimed]], i: int) -> str:
    """How many times less an arm takes; nothing of the baseline."""
    return f"÷ {known[i - 1][1].factor:.3g}" if i else ""


def _caption(known: Sequence[tuple[Judgement, Claimed]]) -> str:
    claim = known[0][1]
    words = dict.fromkeys(c.word for _, c in known)
    claims = ", ".join(f"{SHAPES[MARKER[LIKE.get(word, word)]]}: {word}" for word in words)
    winning = sum(c.dominates for _, c in known)
    return (
        "Plus: the baseline. The line joins what no other point beats in both (bold); it is drawn by "
        f"points, and seeds may move them. Filled: certainly cheaper and not worse by δ = "
        f"{claim.delta:.3g}, {winning} of {len(known)}, as the claim with k = 1 has it at "
        f"{claim.alpha:g} a half. What became of the claims: {claims}. "
        f"Means of {_seeds(known)} seeds."
    )


def _seeds(known: Sequence[tuple[Judgement, Claimed]]) -> str:
    many = sorted({j.comparison.n for j, _ in known})
    return str(many[0]) if len(many) == 1 else f"{many[0]} to {many[-1]}"
