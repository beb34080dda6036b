"""How every figure looks: one ink a meaning, legible at half size, and a caption that says n."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from audition.errors import AuditionError, choices, writing

INK = "#1a1a19"  # the baseline, and text
MUTED = "#5f5f5c"
LINE = "#b9b9b3"
BAND = "#efe8cc"  # differences too small to count
PAPER = "#fffffe"
ON_CELL = "#111112"  # text on a heat map, whose cells stay light on a dark page

VERDICT = {
    "supported": "#009e73",
    "refuted": "#d55e00",
    "inconclusive": "#0072b2",
    "invalid": "#cc79a7",
}
"""An idea's colour in every figure: that of its verdict (Okabe & Ito 2008); names tell ideas apart."""

MARKER = {"supported": "^", "refuted": "v", "inconclusive": "D", "invalid": "X"}
"""The same in shapes, for print without colour."""

THEME: Mapping[str, tuple[str, str]] = {
    "ink": (INK, "#eceae4"),
    "muted": (MUTED, "#a9a7a0"),
    "line": (LINE, "#55544f"),
    "band": (BAND, "#3b3724"),
    "paper": (PAPER, "#1c1c1a"),
    "supported": (VERDICT["supported"], "#2cc79b"),
    "refuted": (VERDICT["refuted"], "#ff8a3d"),
    "inconclusive": (VERDICT["inconclusive"], "#56b4e9"),
    "invalid": (VERDICT["invalid"], "#e59ac4"),
}
"""Name -> (light, dark): a page swaps the first for the second where the reader's screen is dark."""

DIVERGING = LinearSegmentedColormap.from_list(
    "better_worse", ["#56b4e9", "#ffffff", "#f0a15e"], N=41
)
"""Below zero (a lower loss) blue, above it orange; pale enough for black text.

Few levels: from fifty on matplotlib turns a colour bar into a bitmap."""

KINDS = (".png", ".svg")
UNDATED: Mapping[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""What a file would say of when and by what it was made: the same figure makes the same file."""
SIZE, SMALL, TITLE = 12.0, 10.5, 14.0
WIDTH = 9.0  # inches of every figure
RC: Any = {  # Any: some releases of matplotlib type each key
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": SIZE,
    "axes.labelsize": 11.0,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.formatter.useoffset": False,
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    "savefig.facecolor": PAPER,
    "text.color": INK,
    "text.parse_math": False,  # a dollar in an arm's name is a dollar
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "lines.solid_capstyle": "butt",
    "svg.fonttype": "none",  # text stays text: searchable, and set in the page's own type
}

P = ParamSpec("P")
R = TypeVar("R")


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Run a function under this style, leaving matplotlib's global settings alone."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.rc_context(RC):
            return draw(*args, **kwargs)

    return drawn


@dataclass(frozen=True)
class Sheet:
    """A figure with its title and caption set, and room between them; lengths in inches."""

    figure: Figure
    floor: float  # where the room begins, from the bottom of the figure

    def axes(self, left: float, bottom: float, width: float, height: float, **kw: Any) -> Axes:
        """Axes at this place in the room, measured from its lower left corner."""
        whole, high = self.figure.get_size_inches()
        place = (left / whole, (self.floor + bottom) / high, width / whole, height / high)
        return self.figure.add_axes(place, **kw)


def sheet(title: str, caption: str, *, height: float) -> Sheet:
    """A figure of the common width with `height` inches of room; keeps its caption as its label."""
    columns = int((WIDTH - 0.3) * 72 / (SMALL * 0.53))
    # A number stays with its unit, and both sides of an equation on one line.
    bound = caption.replace(" %", "\u00a0%").replace(" = ", "\u00a0=\u00a0")
    lines = textwrap.wrap(bound, columns)
    floor = 0.16 + 0.205 * len(lines)
    whole = floor + height + 0.5
    figure = Figure(figsize=(WIDTH, whole))
    figure.set_label(" ".join(caption.split()))
    left = 0.15 / WIDTH
    figure.text(left, 1 - 0.12 / whole, title, va="top", size=TITLE, weight="bold", gid="title")
    # A line at a time: one text of many lines is set with the wrong leading in a browser.
    for i, line in enumerate(lines):
        y = (floor - 0.08 - 0.205 * i) / whole
        figure.text(left, y, line, va="top", size=SMALL, color=MUTED, gid=f"caption-{i}")
    return Sheet(figure, floor)


def nothing(title: str, why: str) -> Figure:
    """An empty figure with a sentence that says why."""
    return sheet(title, why, height=0.05).figure


def caption_of(figure: Figure) -> str:
    """The caption of a figure made here, in one line."""
    return str(figure.get_label())


def text_width(texts: Sequence[str], size: float = SIZE, *, bold: bool = False) -> float:
    """About how wide the widest of these lines is, in inches."""
    return max((len(text) for text in texts), default=0) * size * (0.7 if bold else 0.62) / 72


def apart(places: Sequence[float], gap: float) -> list[float]:
    """Places for labels at least `gap` apart, each as near its own as its neighbours allow.

    Labels that crowd each other are set as a block around the mean of where they belong.
    """
    order = sorted(range(len(places)), key=places.__getitem__)
    blocks: list[tuple[float, list[int]]] = []  # (centre, members), from below
    for index in order:
        blocks.append((places[index], [index]))
        while len(blocks) > 1 and _top(blocks[-2], gap) > _top(blocks[-1], gap, low=True) - gap:
            members = blocks[-2][1] + blocks[-1][1]
            blocks[-2:] = [(sum(places[m] for m in members) / len(members), members)]
    placed = [0.0] * len(places)
    for centre, members in blocks:
        for rank, member in enumerate(members):
            placed[member] = centre + (rank - (len(members) - 1) / 2) * gap
    return placed


def _top(block: tuple[float, list[int]], gap: float, *, low: bool = False) -> float:
    half = (len(block[1]) - 1) / 2 * gap
    return block[0] - half if low else block[0] + half


@styled
def save(figure: Figure, path: Path) -> None:
    """Write the figure as its suffix says: png at twice screen resolution, svg or pdf."""
    undated = UNDATED[path.suffix]
    matplotlib.rcParams["svg.hashsalt"] = path.stem  # the same figure makes the same file
    if path.suffix == ".png":  # packed a little less, in a third of the time
        settings = {"compress_level": 2}
        figure.savefig(path, dpi=160, metadata=undated, pil_kwargs=settings)
    else:
        figure.savefig(path, dpi=160, metadata=undated)


def write_figure(figure: Figure, path: Path) -> None:
    """Write the figure as its suffix says; AuditionError for another kind of file or a full disk."""
    if path.suffix not in KINDS:
        raise AuditionError(f"{path} is no kind of figure{choices(path.suffix, KINDS)}")
    with writing(path):
        save(figure, path)
